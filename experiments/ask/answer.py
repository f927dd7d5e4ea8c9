"""The answer to a question: its text and numbers, and what is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.ask.question import Question
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table


@dataclass(frozen=True)
class Answer:
    """A question and its numbers. `print` it for both."""

    question: Question
    table: pd.DataFrame

    def __str__(self) -> str:
        """Return question, method and what is expected, the numbers, and how to ask with other parameters."""
        numbers = self.table.to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="undefined")
        return f"{self.question.about}\n\n{numbers}\n\nin Python: {self.question.signature}"


def answer(question: Question) -> Answer:
    """Ask a question at its own default parameters."""
    return Answer(question, question.run())


def save_answer(found: Answer, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write text, numbers and picture to the folder `out`, all or nothing; raises `StoreError` where it cannot."""
    picture = found.question.plot()
    extra = {"question": found.question.name, "parameters": found.question.signature}
    with results_folder(out, Provenance(command=command, extra=extra), overwrite) as folder:
        write_bytes(folder / "answer.txt", f"{found}\n\n{picture.title}\n{picture.caption}\n".encode())
        write_table(found.table, folder / "answer")
        write_bytes(folder / f"{picture.name}.png", picture.png)
    return Path(out)

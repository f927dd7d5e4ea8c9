"""The answer to a question: its text and numbers, and what is kept of it."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.ask.question import Question
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table

_WIDTH = 118  # of the lines of text


@dataclass(frozen=True)
class Answer:
    """A question and its numbers. `print` it for both."""

    question: Question
    table: pd.DataFrame

    def __str__(self) -> str:
        """Return question, method and what is expected, the numbers, and how to ask with other parameters."""
        numbers = with_intervals(self.table).to_string(index=False, float_format=_number, na_rep="undefined")
        call = textwrap.fill(f"in Python: {self.question.signature}", _WIDTH, subsequent_indent="    ")
        return f"{self.question.about}\n\n{numbers}\n\n{call}"


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with `x`, `x_low` and `x_high` (or `low` and `high` for the column before) in one column."""
    shown, names = table.copy(), [str(name) for name in table.columns]
    for low in [name for name in names if name.endswith("low")]:
        high = low.removesuffix("low") + "high"
        name = low.removesuffix("_low") if low != "low" else names[names.index("low") - 1]
        if name not in table or high not in table:
            continue
        parts = zip(table[name], table[low], table[high], strict=True)
        shown[name] = [_with_interval(value, ends) for value, *ends in parts]
        shown = shown.drop(columns=[low, high]).rename(columns={name: f"{name} [95 %]"})
    return shown


def _with_interval(value: float, ends: Sequence[float]) -> str:
    """Return a value with its interval, the value alone where there is no interval."""
    if math.isnan(value):
        return "undefined"
    bounds = ["?" if math.isnan(end) else _number(end) for end in ends]
    return _number(value) if bounds == ["?", "?"] else f"{_number(value)} [{', '.join(bounds)}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


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

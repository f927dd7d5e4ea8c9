"""Questions: files of `experiments` whose docstring asks one, with `run()` for numbers and `plot()` for a picture.

They are found by their text, so that listing them loads none of them, and a new file needs no registration.
"""

import ast
import importlib
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd

from experiments.drawing import Picture
from simulation.errors import InputError, nearest, shown

_HOME = Path(__file__).parents[1]
_PARTS = ("Question:", "Method:", "Expected")  # what the docstring of a question must hold
_ANSWERS = {"run", "plot"}


@dataclass(frozen=True)
class Question:
    """One file: its `name`, and its docstring with question, method, what is expected, and source."""

    name: str
    about: str

    @property
    def title(self) -> str:
        """Return the first line of the docstring."""
        return self.about.split("\n", 1)[0]

    @property
    def module(self) -> ModuleType:
        """Return the file, loaded."""
        return importlib.import_module(f"experiments.{self.name}")

    def run(self) -> pd.DataFrame:
        """Return its numbers, at its own default parameters."""
        table: pd.DataFrame = self.module.run()
        return table.reset_index() if table.index.name else table

    def plot(self) -> Picture:
        """Return its picture."""
        picture: Picture = self.module.plot()
        return picture

    @property
    def signature(self) -> str:
        """Return how the numbers are asked for in Python, with all parameters at their defaults."""
        given = inspect.signature(self.module.run).parameters.values()
        return f"experiments.{self.name}.run({', '.join(_parameter(one) for one in given)})"


def _parameter(given: inspect.Parameter) -> str:
    """Return a parameter as it is written in a call."""
    if given.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{given.name}"
    return given.name if given.default is inspect.Parameter.empty else f"{given.name}={given.default!r}"


@cache
def questions() -> dict[str, Question]:
    """Return all questions by name."""
    found = (_question(path) for path in sorted(_HOME.glob("*.py")))
    return {question.name: question for question in found if question is not None}


def question_named(name: str) -> Question:
    """Return the question `name`; raises `InputError` with the nearest name where there is none."""
    known = questions()
    if name not in known:
        raise InputError(f"QUESTION: must be one of {', '.join(known)} (got {shown(name)}){nearest(name, list(known))}")
    return known[name]


def listed() -> str:
    """Return all questions, a line each."""
    known = questions().values()
    width = max(len(question.name) for question in known) + 2
    return "\n".join(f"{question.name:<{width}}{question.title}" for question in known)


def _question(path: Path) -> Question | None:
    tree = ast.parse(path.read_text("utf-8"))
    about = ast.get_docstring(tree) or ""
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    asks = defined >= _ANSWERS and all(part in about for part in _PARTS)
    return Question(path.stem, about) if asks else None

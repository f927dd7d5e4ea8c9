"""Turn a validator's complaint into one line per problem: field, what is wrong, value, what is allowed, hint."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from simulation.errors import shown

_LIMIT = 20  # lines for one file


def problem_lines(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return the problems of `error` as lines `path: what is wrong (got value); hint`, at most 20."""
    lines = [_line(problem, model) for problem in error.errors(include_url=False)]
    unique = list(dict.fromkeys(lines))
    more = [f"and {len(unique) - _LIMIT} more problems"] if len(unique) > _LIMIT else []
    return unique[:_LIMIT] + more


def _line(problem: Any, model: type[BaseModel]) -> str:
    kind, where = problem["type"], path(problem["loc"])
    if kind == "extra_forbidden":
        return f"{where}: unknown field{_nearest(problem['loc'], model)}"
    if kind == "missing":
        return f"{where}: required, but missing"
    text = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should be", "must be")
    got = "" if "(got" in text or isinstance(problem["input"], dict | list | tuple) else _got(problem["input"])
    return f"{where}: {text}{got}" if where else text


def _got(value: object) -> str:
    return f" (got {shown(value)})"


def path(location: tuple[int | str, ...]) -> str:
    """Return a dotted path such as `population[0].leverage`; validator tags are left out."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() or "." in part:
            text += f".{part}" if text else part
    return text


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Return a did-you-mean hint from the fields of all sections."""
    names = sorted(_fields(model))
    near = difflib.get_close_matches(str(location[-1]), names, 1, 0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def _fields(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for child in _sections(model):
        names |= set(child.model_fields)
    return names


def _sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for base in (BaseModel,):
        stack = list(base.__subclasses__())
        while stack:
            child = stack.pop()
            found.append(child)
            stack += child.__subclasses__()
    return [child for child in found if child.__module__.split(".")[0] == model.__module__.split(".")[0]]

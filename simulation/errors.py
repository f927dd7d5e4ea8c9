"""Every error CrossMargin raises on purpose: one base class, each also a builtin.

A refusal names the file, the field, the value, what is allowed and, where it helps, a hint;
the command line prints it without a traceback and exits with code 2.
"""

import difflib
from collections.abc import Iterable, Sequence


class CrossMarginError(Exception):
    """Base class of all deliberate errors."""


class InputError(CrossMarginError, ValueError):
    """Input was refused. `problems` holds one line for each thing that is wrong."""

    def __init__(self, problems: str | Sequence[str], source: str = "") -> None:
        """Collect the problem lines; `source` (a file name, say) is put before each of them."""
        lines = [problems] if isinstance(problems, str) else list(problems)
        self.problems = [f"{source}: {line}" if source else line for line in lines]
        super().__init__("\n".join(self.problems))


class ScenarioError(InputError):
    """A scenario cannot be used: unknown field, value out of bounds, parts that contradict each other."""


class PriceDataError(InputError):
    """A price file cannot be used."""


class StoreError(InputError):
    """A results folder cannot be written: it exists, is not a folder, or the disk refuses."""


class ConservationError(CrossMarginError, ArithmeticError):
    """Money or positions were created or lost. This is always a bug in a rule or in the engine."""


class CapacityError(CrossMarginError, OverflowError):
    """An amount is too large to be held exactly (2**53 quanta)."""


class RunFailed(CrossMarginError, RuntimeError):
    """A run could not be finished, for example because its worker process died twice."""


_LONG_BITS = 1000  # an integer that nobody wants to read, and that Python may refuse to print


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for an error line: printable, escaped, at most `limit` characters."""
    if isinstance(value, int) and value.bit_length() > _LONG_BITS:
        return f"{value.bit_length() * 0.30103:,.0f} digits"
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode("ascii")
    text = f'"{text}"' if isinstance(value, str) else text
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def described(value: object) -> str:
    """Return `value` for an error line, lists and tables by their size only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a table"
    if value is None:
        return "nothing"
    return str(value) if hasattr(value, "isoformat") else shown(value)


def nearest(name: object, known: Iterable[str]) -> str:
    """Return a did-you-mean hint if one of the `known` names is close to `name`, else an empty text."""
    folded = {each.lower(): each for each in known}  # markets are in capitals, fields are not
    near = difflib.get_close_matches(str(name).strip().lower(), folded, 1, 0.75) if len(str(name)) <= 64 else []
    return f"; did you mean '{folded[near[0]]}'?" if near else ""

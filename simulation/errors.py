"""Every error CrossMargin raises on purpose: one base class, each also a builtin.

A refusal names the file, the field, the value, what is allowed and, where it helps, a hint;
the command line prints it without a traceback and exits with code 2.
"""

from collections.abc import Sequence


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


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for an error line: printable, escaped, at most `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode("ascii")
    text = f'"{text}"' if isinstance(value, str) else text
    return text if len(text) <= limit else f"{text[: limit - 3]}..."

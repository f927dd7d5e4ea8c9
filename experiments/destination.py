"""Where a command writes what it found: the options --out and --overwrite, the same for every command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click


@dataclass(frozen=True)
class Destination:
    """The folder of --out, None without it; whether results in it may be replaced; and the words of the command."""

    folder: str | None
    overwrite: bool
    command: Sequence[str]

    def check(self) -> None:
        """Raise `StoreError` if results cannot be written there; better before the run than after it."""
        if self.folder is not None:
            from experiments.store import check_target

            check_target(self.folder, self.overwrite)

    def keep(self, save: Callable[..., Any], *found: Any) -> None:
        """Have `save` write what was found, and say where; nothing without --out."""
        if self.folder is not None:
            save(*found, self.folder, self.overwrite, self.command)
        self.say()

    def say(self) -> None:
        """Say where the results are; nothing without --out."""
        if self.folder is not None:
            click.echo(f"results in {self.folder}")


def destination(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command both options; it gets them as one `out`. `what` is what it writes."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def sent(*arguments: Any, out: str | None, overwrite: bool, **options: Any) -> Any:
            words = ["crossmargin", *(click.get_current_context().obj or [])]
            return command(*arguments, out=Destination(out, overwrite, words), **options)

        replace = click.option("--overwrite", is_flag=True, help="Replace an earlier results folder.")
        folder = click.option("--out", metavar="DIR", help=f"Write {what}; it must not hold files yet.")
        return folder(replace(sent))

    return decorate

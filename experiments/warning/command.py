"""The command `crossmargin warn`."""

from typing import Any

import click

from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option

_POPULATIONS, _ACCOUNTS = 12, 20_000


@click.command()
@click.argument("run", required=False)
@click.option("--window", type=float, metavar="MOVE", help="Log move by which marks are moved.  [default: 0.01]")
@click.option("--outcomes", is_flag=True, help="Hold the warning to what comes in many populations, without RUN.")
@click.option("--populations", type=int, metavar="N", help=f"With --outcomes, how many.  [default: {_POPULATIONS}]")
@click.option("--accounts", type=int, metavar="N", help=f"With --outcomes, accounts in each.  [default: {_ACCOUNTS:,}]")
@click.option("--radius", "radii", type=float, multiple=True, help="With --outcomes, another radius; may be repeated.")
@destination("tables and pictures")
@plugin_option
def warn(run: str | None, out: Destination, **options: Any) -> None:
    """Read the early warning of a run step by step: who would pull whom down, and when it gets unstable.

    RUN is a results folder or a SCENARIO. With --outcomes no run is read: unlike populations are warned of, meet the
    storm, and what came is compared with what was predicted, in isolated and in cross margin (a minute or two).
    """
    from simulation.errors import InputError

    window = options["window"]
    if window is not None and not 0.0 < window <= 1.0:
        raise InputError(f"--window: must be above 0 and at most 1 (got {window:g})")
    if run is None and not options["outcomes"]:
        raise InputError("RUN: must be a results folder or a scenario; or ask for --outcomes")
    if options["outcomes"]:
        _outcomes(run, window, options, out)
    else:
        _readings(str(run), window, options, out)


def _readings(run: str, window: float | None, options: dict[str, Any], out: Destination) -> None:
    from experiments.causes.source import source_of
    from simulation.errors import InputError

    for name in ("populations", "accounts", "radii"):
        if options[name] not in (None, ()):
            raise InputError(f"--{'radius' if name == 'radii' else name}: goes with --outcomes only")
    source_of(run)  # before anything heavy is loaded
    out.check()
    from experiments.warning.early_warning import WINDOW
    from experiments.warning.folder import save_warning
    from experiments.warning.warned import warn as warned

    found = warned(run, WINDOW if window is None else window)
    click.echo(str(found))
    out.keep(save_warning, found)


def _outcomes(run: str | None, window: float | None, options: dict[str, Any], out: Destination) -> None:
    from simulation.errors import InputError

    if run is not None:
        raise InputError(f"--outcomes: takes populations of its own, no RUN (got {run})")
    out.check()
    from experiments.warning.folder import save_study
    from experiments.warning.outcome import RADII, WarnedBook
    from experiments.warning.study import study

    accounts = _ACCOUNTS if options["accounts"] is None else options["accounts"]
    count = _POPULATIONS if options["populations"] is None else options["populations"]
    book = WarnedBook(accounts=accounts) if window is None else WarnedBook(accounts=accounts, window=window)
    found = study(book, options["radii"] or RADII, count)
    click.echo(str(found))
    out.keep(save_study, found)

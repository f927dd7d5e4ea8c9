"""The command `crossmargin impulse`."""

from typing import Any

import click

from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option

_MOST_STORMS = 1_000


@click.command()
@click.argument("scenario", default="venue")
@click.argument("regimes", nargs=-1, metavar="[REGIME|VENUE]...")
@click.option("--shock", type=float, default=-0.05, show_default=True, help="Simple return of the shocked market.")
@click.option("--step", type=int, default=1, show_default=True, help="The first step that shows it.")
@click.option("--horizon", type=int, default=10, show_default=True, help="For how many steps the marks are watched.")
@click.option("--market", "markets", multiple=True, metavar="NAME", help="Only these markets; may be repeated.")
@click.option("--seeds", type=int, default=10, show_default=True, help="How many storms, from seed 1 on.")
@destination("tables and pictures")
@plugin_option
def impulse(scenario: str, regimes: tuple[str, ...], seeds: int, out: Destination, **options: Any) -> None:
    """Shock one market at a time: how far does every other one move, and is it the margin rule that carries it?

    SCENARIO may be a results folder. Without REGIMEs its own margin rule is held against isolated margin.
    """
    from experiments.causes.source import source_of
    from simulation.errors import InputError

    if not 1 <= seeds <= _MOST_STORMS:
        raise InputError(f"--seeds: must be 1 to {_MOST_STORMS:,} (got {seeds})")
    out.check()
    loaded, _ = source_of(scenario)
    from experiments.impulse.folder import save_impulse
    from experiments.impulse.impulse import Shock
    from experiments.impulse.impulse import impulse as studied

    shock = Shock(options["shock"], options["step"], options["horizon"], options["markets"])
    found = studied(loaded, shock, regimes, range(1, seeds + 1))
    click.echo(str(found))
    out.keep(save_impulse, found, loaded)

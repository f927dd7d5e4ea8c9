"""The command `crossmargin loops`."""

import click

from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option

_MOST_STORMS = 1_000


@click.command()
@click.argument("scenario", default="loops")
@click.option("--loop", "names", multiple=True, metavar="NAME", help="Only these loops are switched; may be repeated.")
@click.option("--seeds", type=int, default=10, show_default=True, help="How many storms, from seed 1 on.")
@destination("tables and picture")
@plugin_option
def loops(scenario: str, names: tuple[str, ...], seeds: int, out: Destination) -> None:
    """Switch feedback loops on and off, all subsets on the same storms: what each does, and what only all do.

    Without --loop, those that SCENARIO has are switched. It may be a results folder: its scenario is taken.
    """
    from experiments.causes.source import source_of
    from simulation.errors import InputError

    if not 1 <= seeds <= _MOST_STORMS:
        raise InputError(f"--seeds: must be 1 to {_MOST_STORMS:,} (got {seeds})")
    out.check()
    loaded, _ = source_of(scenario)
    from experiments.loops.folder import save_loops
    from experiments.loops.loops import loops as switched
    from experiments.loops.switches import chosen_loops

    chosen = chosen_loops(loaded, names)
    click.echo(f"{2 ** len(chosen) * seeds:,} runs: {', '.join(chosen)}; {seeds} storms", err=True)
    found = switched(loaded, chosen, tuple(range(1, seeds + 1)))
    click.echo(str(found))
    out.keep(save_loops, found, loaded)

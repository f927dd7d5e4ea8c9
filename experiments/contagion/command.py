"""The command `crossmargin contagion`."""

from functools import partial

import click

from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option

_MOST_STORMS = 1_000


@click.command()
@click.argument("run")
@click.option("--seeds", type=int, default=1, show_default=True, help="How many storms, from the scenario's seed on.")
@click.option("--film", is_flag=True, help="With --out, also write the cascade as an animated GIF.")
@destination("graph, tables and pictures")
@plugin_option
def contagion(run: str, seeds: int, film: bool, out: Destination) -> None:
    """Show who pulled whom down: cascades, who hits whom, the most harmful accounts, branching ratios.

    RUN is a results folder or a SCENARIO.
    """
    from experiments.causes.source import source_of
    from simulation.errors import InputError

    if not 1 <= seeds <= _MOST_STORMS:
        raise InputError(f"--seeds: must be 1 to {_MOST_STORMS:,} (got {seeds})")
    if film and out.folder is None:
        raise InputError("--film: needs --out, the folder to write the film to")
    source_of(run)  # before anything heavy is loaded
    out.check()
    from experiments.contagion.study import contagion as studied
    from experiments.contagion.study import save_contagion

    found = studied(run, seeds)
    click.echo(str(found))
    out.keep(partial(save_contagion, film=film), found)

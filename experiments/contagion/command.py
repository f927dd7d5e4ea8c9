"""The command `crossmargin contagion`."""

from typing import Any

import click

_MOST_STORMS = 1_000


@click.command()
@click.argument("run")
@click.option("--seeds", type=int, default=1, show_default=True, help="How many storms, from the scenario's seed on.")
@click.option("--film", is_flag=True, help="With --out, also write the cascade as an animated GIF.")
@click.option("--out", metavar="DIR", help="Write graph, tables and pictures; it must not hold files yet.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier results folder.")
@click.pass_context
def contagion(ctx: click.Context, run: str, seeds: int, **options: Any) -> None:
    """Show who pulled whom down: cascades, who hits whom, the most harmful accounts, branching ratios.

    RUN is a results folder or a SCENARIO.
    """
    from experiments.causes.source import source_of
    from simulation.errors import InputError

    if not 1 <= seeds <= _MOST_STORMS:
        raise InputError(f"--seeds: must be 1 to {_MOST_STORMS:,} (got {seeds})")
    if options["film"] and options["out"] is None:
        raise InputError("--film: needs --out, the folder to write the film to")
    source_of(run)  # before anything heavy is loaded
    from experiments.run_folder import check_folder

    if options["out"] is not None:
        check_folder(options["out"], options["overwrite"])
    from experiments.contagion.study import contagion as studied
    from experiments.contagion.study import save_contagion

    found = studied(run, seeds)
    click.echo(str(found))
    if options["out"] is not None:
        words = ["crossmargin", *(ctx.obj or [])]
        save_contagion(found, options["out"], options["overwrite"], words, options["film"])
        click.echo(f"results in {options['out']}")

"""The command `crossmargin warn`."""

from typing import Any

import click


@click.command()
@click.argument("run")
@click.option("--window", type=float, default=0.01, show_default=True, help="Log move by which marks are moved.")
@click.option("--out", metavar="DIR", help="Write readings, matrix and picture; it must not hold files yet.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier results folder.")
@click.pass_context
def warn(ctx: click.Context, run: str, window: float, **options: Any) -> None:
    """Read the early warning of a run step by step: who would pull whom down, and when it gets unstable.

    RUN is a results folder or a SCENARIO.
    """
    from experiments.causes.explain import source_of
    from experiments.run_folder import check_folder
    from experiments.warning.warned import warn as warned
    from simulation.errors import InputError

    if not 0.0 < window <= 1.0:
        raise InputError(f"--window: must be above 0 and at most 1 (got {window:g})")
    if options["out"] is not None:
        check_folder(options["out"], options["overwrite"])
    found = warned(source_of(run)[0], window)
    click.echo(str(found))
    if options["out"] is not None:
        from experiments.warning.folder import save_warning

        save_warning(found, options["out"], options["overwrite"], ["crossmargin", *(ctx.obj or [])])
        click.echo(f"results in {options['out']}")

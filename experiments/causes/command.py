"""The command `crossmargin explain`."""

from typing import Any

import click


@click.command()
@click.argument("run")
@click.argument("account", required=False)
@click.option("--cause", "causes", multiple=True, metavar="NAME", help="Share the loss out to these; may be repeated.")
@click.option("--without", multiple=True, metavar="ACCOUNT", help="Count this account out; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print Markdown instead of plain text.")
@click.option("--out", metavar="DIR", help="Write story, picture and tables; it must not hold files yet.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier results folder.")
@click.pass_context
def explain(ctx: click.Context, run: str, account: str | None, **options: Any) -> None:
    """Tell why an account died: its loss by causes, whose liquidations took part, what would have saved it.

    RUN is a results folder or a SCENARIO; ACCOUNT is as in majors[12], the worst liquidated one if left out.
    """
    from experiments.causes.source import source_of

    source_of(run)  # before anything heavy is loaded
    from experiments.causes.explain import TOGETHER
    from experiments.causes.explain import explain as explained
    from experiments.run_folder import check_folder

    if options["out"] is not None:
        check_folder(options["out"], options["overwrite"])
    told = explained(run, account, causes=options["causes"] or TOGETHER, without=options["without"])
    click.echo(told.markdown if options["markdown"] else str(told))
    if options["out"] is not None:
        from experiments.causes.folder import save_explanation

        save_explanation(told, options["out"], options["overwrite"], ["crossmargin", *(ctx.obj or [])])
        click.echo(f"results in {options['out']}")

"""The command `crossmargin explain`."""

from typing import Any

import click

from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option


@click.command()
@click.argument("run")
@click.argument("account", required=False)
@click.option("--cause", "causes", multiple=True, metavar="NAME", help="Share the loss out to these; may be repeated.")
@click.option("--without", multiple=True, metavar="ACCOUNT", help="Count this account out; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print Markdown instead of plain text.")
@destination("story, picture and tables")
@plugin_option
def explain(run: str, account: str | None, out: Destination, **options: Any) -> None:
    """Tell why an account died: its loss by causes, whose liquidations took part, what would have saved it.

    RUN is a results folder or a SCENARIO; ACCOUNT is as in majors[12], the worst liquidated one if left out.
    """
    from experiments.causes.source import source_of

    source_of(run)  # before anything heavy is loaded
    from experiments.causes.explain import TOGETHER
    from experiments.causes.explain import explain as explained
    from experiments.causes.folder import save_explanation

    out.check()
    told = explained(run, account, causes=options["causes"] or TOGETHER, without=options["without"])
    click.echo(told.markdown if options["markdown"] else str(told))
    out.keep(save_explanation, told)

"""The command `crossmargin explain`."""

from collections.abc import Sequence
from typing import Any

import click


@click.command()
@click.argument("run")
@click.argument("account", required=False)
@click.option("--cause", "causes", multiple=True, metavar="NAME", help="Share the loss out to these; may be repeated.")
@click.option("--without", multiple=True, metavar="ACCOUNT", help="Count this account out; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print Markdown instead of plain text.")
def explain(run: str, account: str | None, causes: Sequence[str], without: Sequence[str], **options: Any) -> None:
    """Tell why an account died: its loss by causes, whose liquidations took part, what would have saved it.

    RUN is a results folder or a SCENARIO; ACCOUNT is as in majors[12], the worst liquidated one if left out.
    """
    from experiments.explain import TOGETHER
    from experiments.explain import explain as explained

    told = explained(run, account, causes=causes or TOGETHER, without=without)
    click.echo(told.markdown if options["markdown"] else str(told))

"""The command `crossmargin ask`."""

from typing import Any

import click


@click.command()
@click.argument("question", required=False)
@click.option("--out", metavar="DIR", help="Write text, numbers and picture; it must not hold files yet.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier results folder.")
@click.pass_context
def ask(ctx: click.Context, question: str | None, **options: Any) -> None:
    """Answer a question that somebody has asked before: its method, what theory expects, and the numbers.

    Without QUESTION all of them are listed.
    """
    from experiments.ask.question import listed, question_named
    from simulation.errors import InputError

    if question is None:
        if options["out"] is not None:
            raise InputError("--out: needs a QUESTION; without one they are only listed")
        click.echo(listed())
        return
    chosen = question_named(question)
    from experiments.ask.answer import answer, save_answer
    from experiments.run_folder import check_folder

    if options["out"] is not None:
        check_folder(options["out"], options["overwrite"])
    found = answer(chosen)
    click.echo(str(found))
    if options["out"] is not None:
        save_answer(found, options["out"], options["overwrite"], ["crossmargin", *(ctx.obj or [])])
        click.echo(f"results in {options['out']}")

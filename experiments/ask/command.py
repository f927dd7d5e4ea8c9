"""The command `crossmargin ask`."""

import click

from experiments.destination import Destination, destination


@click.command()
@click.argument("question", required=False)
@destination("text, numbers and picture")
def ask(question: str | None, out: Destination) -> None:
    """Answer a question that somebody has asked before: its method, what theory expects, and the numbers.

    Without QUESTION all of them are listed.
    """
    from experiments.ask.question import listed, question_named
    from simulation.errors import InputError

    if question is None:
        if out.folder is not None:
            raise InputError("--out: needs a QUESTION; without one they are only listed")
        click.echo(listed())
        return
    chosen = question_named(question)
    from experiments.ask.answer import answer, save_answer

    out.check()
    found = answer(chosen)
    click.echo(str(found))
    out.keep(save_answer, found)

"""The option --plugin, the same for every command that reads a scenario: one's own code comes in before it is read."""

from collections.abc import Sequence

import click

_HELP = "Load traders and rules from your own .py file or module; may be repeated."


def _load(_context: click.Context, _option: click.Parameter, names: Sequence[str]) -> None:
    """Load what was named; a command need not know of it. Raises `InputError` as `load_plugins` does."""
    if names:
        from experiments.plugins import load_plugins

        load_plugins(names)


plugin_option = click.option(
    "--plugin", multiple=True, metavar="FILE|MODULE", help=_HELP, callback=_load, expose_value=False
)

"""The command `crossmargin theory`."""

from collections.abc import Sequence
from typing import Any

import click

from experiments.destination import Destination, destination
from simulation.errors import InputError, shown


def parameters(settings: Sequence[str]) -> dict[str, Any]:
    """Return NAME=VALUE texts as a mapping; values are written as in TOML, lists included."""
    import tomllib

    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not name.isidentifier() or not value or "\n" in value:
            raise InputError(f"--set {shown(setting)}: must be NAME=VALUE")
        if name in found:
            raise InputError(f"--set {shown(setting)}: {name} is set twice")
        try:
            found[name] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            raise InputError(f"--set {shown(setting)}: the value must be written as in TOML") from None
    return found


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--slow", is_flag=True, help="Run the slow tier too, with as many runs as the literature asks for.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another parameter for the one target.")
@click.option("--list", "listing", is_flag=True, help="Only show the targets with sources, formulas and parameters.")
@destination("the report and its pictures")
@click.pass_context
def theory(ctx: click.Context, names: Sequence[str], settings: Sequence[str], out: Destination, **options: Any) -> None:
    """Hold the engine to published results: branching, ruin, first passage, deleveraging, and more."""
    from experiments.theory import report as theory_report
    from experiments.theory import suite as theory_suite

    targets = theory_suite.chosen(names, options["slow"])
    if options["listing"]:
        click.echo(theory_report.listing(targets))
        return
    changed = parameters(settings)
    if changed:  # T3 means itself then, not T3.unstable too
        targets = [target for target in targets if target.name.upper() in {name.upper() for name in names}] or targets
    if changed and len(targets) != 1:
        raise InputError(f"--set: needs exactly one target (got {len(targets)})")
    for target in targets:
        target.of(changed)
    out.check()
    results = [theory_suite.run_target(target, changed, options["slow"]) for target in targets]
    click.echo(theory_report.terminal(results, details=bool(names)))
    out.keep(theory_report.save, results)
    ctx.exit(0 if all(result.passed for result in results) else 1)

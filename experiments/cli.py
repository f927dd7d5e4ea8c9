"""The command line. Every command is one call in Python; heavy libraries load only when a command needs them."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from experiments.commands import COMMANDS
from experiments.destination import Destination, destination
from experiments.plugin_option import plugin_option
from simulation.errors import CrossMarginError, InputError, shown

DEFAULT_SCENARIO = "classroom"
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_INTERRUPTED = 130


class OrderedGroup(click.Group):
    """A group that lists its commands in the order of a day's work, and knows what a mistyped one may mean."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands as they were defined."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command `args` name; refuse an unknown one with a hint."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from simulation.errors import nearest

            known = ", ".join(self.commands)
            hint = nearest(args[0], self.commands)
            raise InputError(f"command: must be one of {known} (got {shown(args[0])}){hint}")
        return super().resolve_command(ctx, args)


class Seeds(click.ParamType):
    """A number of seeds, a list 1,5,9, or a range 1-20."""

    name = "N|LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | list[int]:
        """Return the number, or the list of seeds."""
        text = str(value)
        parts = [part.partition("-") for part in text.split(",")]
        if not all(_whole(a) and (_whole(b) if dash else not b) for a, dash, b in parts):
            self.fail(f"must be a number of seeds, a list such as 1,5,9 or a range such as 1-20 (got {shown(text)})")
        if text.isdecimal():
            return int(text)
        seeds: list[int] = []
        for first, dash, last in parts:
            if dash and not 0 <= int(last) - int(first) < 100_000:
                self.fail(f"a range must rise and hold at most 100,000 seeds (got {shown(text)})")
            seeds += range(int(first), int(last or first) + 1)
        return seeds


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 40


def _options(*names: str) -> Callable[[Any], Any]:
    """Return a decorator that adds shared options."""
    known = {
        "set": click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help=_HELP_SET),
        "prices": click.option("--prices", metavar="FILE", help=_HELP_PRICES),
        "plugin": plugin_option,
        "progress": click.option("--progress/--quiet", default=None, help="Show a progress bar, or never."),
    }

    def decorate(command: Any) -> Any:
        for name in reversed(names):
            command = known[name](command)
        return command

    return decorate


_HELP_SET = "Change one field, as in margin.kind=portfolio or markets.BTC.volatility=0.9; may be repeated."
_HELP_PRICES = "Replay the closes of a CSV or Parquet file; FILE?start=...&end=... chooses rows."


@click.group(cls=OrderedGroup, context_settings=_SETTINGS, no_args_is_help=False)
@click.version_option(package_name="crossmargin", message="%(version)s")
def cli() -> None:
    """Isolated, cross and portfolio margin under one storm.

    SCENARIO is the name of a preset (crossmargin list) or a TOML file (crossmargin new my.toml).
    """


@cli.command()
@click.argument("scenario", nargs=-1, metavar="[SCENARIO] [REGIME|VENUE]...")
@click.option("--seeds", type=Seeds(), default="20", show_default=True, help="How many storms, or which: 1,5 or 1-20.")
@click.option("--workers", type=int, help="Processes; all cores if left out. Results do not depend on it.")
@destination("a results folder")
@_options("set", "prices", "plugin", "progress")
def compare(scenario: Sequence[str], seeds: Any, workers: int | None, out: Destination, **options: Any) -> None:
    """Compare isolated, cross and portfolio margin on identical storms; or the margin rules and venues named."""
    from experiments.venue_presets import named

    source, regimes = named(scenario, DEFAULT_SCENARIO)
    loaded = _load(source, options)
    from experiments.compare import compare as compare_regimes

    if workers is not None and not 1 <= workers <= 64:
        raise InputError(f"--workers: must be 1 to 64 (got {workers})")
    chosen: Any = {"regimes": regimes} if regimes else {}
    chosen |= {"out": out.folder, "overwrite": out.overwrite, "command": out.command, "progress": options["progress"]}
    click.echo(str(compare_regimes(loaded, seeds=seeds, workers=workers, **chosen)))
    out.say()


@cli.command()
@click.argument("scenario")
@click.option("--seed", metavar="N", help="Another seed than the scenario's.")
@click.option("--all-metrics", is_flag=True, help="Print every metric; the results folder has them anyway.")
@destination("a results folder")
@_options("set", "prices", "plugin", "progress")
def run(scenario: str, seed: str | None, out: Destination, **options: Any) -> None:
    """Run a scenario once."""
    if seed is not None:
        options["overrides"] = (*options["overrides"], f"seed={seed}")
    loaded = _load(scenario, options)
    from experiments.run_folder import report, run_with_bar, save_run

    out.check()
    result = run_with_bar(loaded, options["progress"])
    click.echo(report(result, options["all_metrics"]))
    out.keep(save_run, result)


@cli.command()
@click.argument("scenario")
@_options("set", "prices", "plugin")
def check(scenario: str, **options: Any) -> None:
    """Check a scenario and show it resolved, with units."""
    loaded = _load(scenario, options)
    from experiments.description import described_scenario

    click.echo(described_scenario(loaded))


@cli.command()
@click.argument("file")
def new(file: str) -> None:
    """Write a commented scenario to FILE, to begin with."""
    from experiments.template import write_template

    path = write_template(file)
    click.echo(f"wrote {path}; try: crossmargin check {path}")


@cli.command(name="list")
@click.argument("part", required=False, metavar="[metrics]")
@plugin_option
def list_(part: str | None) -> None:
    """List presets, rules by family, and traders; or all metrics with unit, denominator and definition."""
    from experiments.catalogue import catalogue
    from experiments.metric_list import metric_list

    if part not in (None, "metrics"):
        raise InputError(f"list: must be metrics or nothing (got {shown(part)})")
    click.echo(metric_list() if part else catalogue())


@cli.command()
@click.option("--accounts", type=int, multiple=True, help="Number of accounts; may be repeated.")
@click.option("--repeats", type=int, default=3, show_default=True, help="Runs per size; the median counts.")
@click.option("--graph", type=int, metavar="N", help="Instead: the contagion graph of N closings, and its measures.")
def bench(accounts: Sequence[int], repeats: int, graph: int | None) -> None:
    """Measure the speed of a step."""
    from experiments.bench import step

    for name, value, most in (("--repeats", repeats, 1000), *(("--accounts", size, 10_000_000) for size in accounts)):
        if not 1 <= value <= most:
            raise InputError(f"{name}: must be 1 to {most:,} (got {value})")
    if graph is not None:
        from experiments.bench.graph import FEWEST, MOST, table

        if not FEWEST <= graph <= MOST:
            raise InputError(f"--graph: must be {FEWEST} to {MOST:,} (got {graph})")
        table(graph, click.echo)
        return
    step.table(accounts or step.SIZES, repeats, click.echo)


@cli.command()
@click.argument("venues", nargs=-1, metavar="[VENUE]...")
def presets(venues: Sequence[str]) -> None:
    """Show the rules of real venues side by side; with names, every number of theirs and its source."""
    from experiments.venue_table import venue_details, venue_table

    click.echo("\n\n".join(venue_details(name) for name in venues) if venues else venue_table())


@cli.command()
@click.option("--vectors", metavar="DIR", help="The folder of case files; ../shared/vectors if left out.")
@click.pass_context
def conformance(ctx: click.Context, vectors: str | None) -> None:
    """Hold the rules to what venues have published."""
    from experiments.conformance.run import conformance as answer_all

    result = answer_all(vectors)
    click.echo(str(result))
    ctx.exit(result.exit_code)


for _extra in COMMANDS:
    cli.add_command(_extra)


def _load(scenario: str, options: dict[str, Any]) -> Any:
    from experiments.scenarios import load

    return load(scenario, options["overrides"], options["prices"])


def execute(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code: 0 done, 2 refused, 1 failed, 130 interrupted.

    Refusals go to stderr, one line a problem, without a traceback.
    """
    code, lines = 0, []
    try:
        # What a command passes to `ctx.exit` comes back as a value; a command that just ends gives nothing.
        code = cli.main(list(arguments), "crossmargin", standalone_mode=False, obj=list(arguments)) or 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        code, lines = _INTERRUPTED, ["interrupted; nothing was written"]
    except click.ClickException as error:
        code, lines = 2, [_usage(error)]
    except InputError as error:
        code, lines = 2, error.problems
    except CrossMarginError as error:
        code, lines = 1, [f"{type(error).__name__}: {' '.join(str(error).split())}"]
    except MemoryError:
        code, lines = 1, ["out of memory; lower the counts of the population or the steps"]
    except BrokenPipeError:  # the reader of our output has gone, which is its right
        sys.stderr.close()
    for line in lines:
        click.echo(line.encode("ascii", "backslashreplace").decode(), err=True)
    return code


def _usage(error: click.ClickException) -> str:
    """Return a mistake on the command line as one line that starts with the option or argument."""
    text = " ".join(error.format_message().split())
    parameter = getattr(error, "param", None)
    if parameter is None:
        return f"command line: {text[:1].lower()}{text[1:].rstrip('.')}; see crossmargin --help"
    name = next((flag for flag in parameter.opts if flag.startswith("--")), parameter.human_readable_name)
    if isinstance(error, click.MissingParameter):
        return f"{name}: required, but missing; see crossmargin --help"
    return f"{name}: {text.partition(': ')[2] or text}"


def main() -> None:
    """Run as a program."""
    from experiments.parallel import pin_threads

    pin_threads()
    sys.exit(execute(sys.argv[1:]))


if __name__ == "__main__":
    main()

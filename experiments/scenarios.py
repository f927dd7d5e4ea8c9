"""Scenarios by name or from a file: presets, TOML, overrides and price files, every refusal with its place."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.overrides import Override, apply, read_overrides
from experiments.toml_source import Key, TomlSource, parse_toml, read_toml
from experiments.venue_presets import venue_names, venue_preset
from simulation.errors import ScenarioError, nearest, shown
from simulation.problems import MORE, at_most

PRESETS = Path(__file__).with_name("presets")
SUFFIX = ".toml"
_CLASSROOM = "classroom"
_PART = re.compile(r"(?:^|\.)([\w-]+)|\[(\d+)\]", re.ASCII)

Source = Any  # the name of a preset, a path to a TOML file, plain data, or a Scenario


def preset_names() -> list[str]:
    """Return the names of the scenarios that come with CrossMargin, smallest first where it matters: sorted."""
    return sorted(path.stem for path in PRESETS.glob(f"*{SUFFIX}"))


def load(source: Source, overrides: Iterable[str] = (), prices: str | Path | None = None) -> Any:
    """Return the checked scenario `source` names: a preset, a TOML file, plain data, or a scenario.

    `overrides` are texts `path=value` such as "margin.kind=portfolio" or "markets.BTC.volatility=0.9". `prices` is a
    price file that replaces the price process by its replay, a row a step, as far as it goes; markets that are not in
    the file are refused (see `experiments.replay` for choosing rows). Raises `ScenarioError` with one line per
    problem, at most 20, each `file:line:column: field: what is wrong (got value); what is allowed`.
    """
    return check(*_ready(source, overrides, prices))


def resolved(source: Source) -> Any:
    """Return the scenario `source` names; one that is a scenario already is not checked again."""
    from simulation.scenario import Scenario

    return source if isinstance(source, Scenario) else load(source)


def _ready(source: Source, overrides: Iterable[str], prices: str | Path | None) -> tuple[TomlSource, list[Override]]:
    from experiments.replay import with_prices

    text = source_of(source)
    changes = read_overrides(overrides)
    data = apply(text.data, changes)
    if prices is not None:
        wanted = data.get("steps") if any(change.path == ("steps",) for change in changes) else None
        data = with_prices(data, prices, wanted)
    return TomlSource(text.name, data, text.places), changes


def source_of(source: Source) -> TomlSource:
    """Return the plain data of a scenario with the places of its fields, unchecked."""
    from simulation.scenario import Scenario

    if isinstance(source, Scenario):
        return TomlSource("", source.to_dict())
    if isinstance(source, Mapping):
        return TomlSource("", dict(source))
    name = str(source)
    if name in venue_names():  # a venue on its own stands in the classroom's markets
        return TomlSource(name, {**venue_preset(name).on(check(source_of(_CLASSROOM))).to_dict(), "name": name})
    if name in preset_names():
        return parse_toml((PRESETS / f"{name}{SUFFIX}").read_text("utf-8"), name)
    return read_toml(_existing(name), _printable(name))


def check(text: TomlSource, changes: Iterable[Override] = ()) -> Any:
    """Return the scenario that `text` describes; raises `ScenarioError` with the places of all problems."""
    from agents.cast import check_population
    from simulation.scenario import Scenario

    try:
        scenario = Scenario.from_dict(text.data)
    except ScenarioError as error:
        raise ScenarioError(_placed(error.problems, text, changes)) from None
    problems: list[str] = []
    try:
        check_population(scenario)
    except ScenarioError as error:
        problems += error.problems
    problems += [f"price.{line}" for line in scenario.price.problems(scenario.world())]
    if problems:
        raise ScenarioError(_placed(at_most(problems), text, changes))
    return scenario


def _placed(problems: Iterable[str], text: TomlSource, changes: Iterable[Override]) -> list[str]:
    """Put the place of its field before each problem: the file and line, or the override that set it."""
    lines = []
    for problem in problems:
        path = _path_of(problem)
        blamed = [change for change in changes if path[: len(change.path)] == change.path]
        if not blamed and path[:1] not in text.places:  # the whole table came from an override
            blamed = [change for change in changes if path[:1] == change.path[:1]]
        place = f"--set {_printable(blamed[-1].text)}" if blamed else _place(text, path)
        lines.append(problem if not place or problem.startswith(MORE) else f"{place}: {problem}")
    return lines


def _place(text: TomlSource, path: Key) -> str:
    """Return the place of `path`; a trader's parameters may be written in a table of their own."""
    own = (*path[:2], "parameters", *path[2:]) if path[:1] == ("population",) else path
    return text.place(own if own in text.places else path)


def _path_of(problem: str) -> Key:
    """Return the dotted path a problem line starts with."""
    field = problem.split(": ", 1)[0]
    if not re.fullmatch(r"[\w.\[\]-]+", field, re.ASCII):
        return ()
    return tuple(int(number) if number else name for name, number in _PART.findall(field))


def _existing(name: str) -> Path:
    """Return the path of a scenario file that is there, or refuse with the nearest name that is."""
    path = Path(name)
    try:
        exists = path.exists()
    except (OSError, ValueError):
        raise ScenarioError(f"scenario file not found: {_printable(name)}") from None
    if path.suffix.lower() not in ("", SUFFIX):
        raise ScenarioError(f"unsupported type '{_printable(path.suffix)}'; use {SUFFIX}", _printable(name))
    if exists and (path.suffix or not path.is_file()):
        return path
    if exists:
        raise ScenarioError(f"unsupported type (no suffix); use {SUFFIX}", _printable(name))
    raise ScenarioError(f"scenario file not found: {_printable(name)}{_similar(path)}")


def _similar(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else Path()
    names = [file.name for _, file in zip(range(1000), folder.glob(f"*{SUFFIX}"), strict=False)]
    if near := difflib.get_close_matches(path.name, names, 1, 0.6):
        return f"; hint: similar file {shown(near[0])}"
    if hint := nearest(path.name, preset_names()):
        return hint
    return f"; presets: {', '.join(preset_names())}; or a file that ends in {SUFFIX}"


def _printable(text: str) -> str:
    return shown(text, 200)[1:-1] if len(text) < 200 else shown(text, 200)[1:]

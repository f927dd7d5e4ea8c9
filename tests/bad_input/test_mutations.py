"""Presets with something broken in them: either they still run, or the contract of refusals holds; nothing else."""

import copy
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import run
from experiments.scenarios import PRESETS, check, load, source_of
from experiments.toml_source import parse_toml
from simulation.errors import CapacityError, ScenarioError
from tests.bad_input.contract import check_lines

WHOLE = {name: source_of(name).data for name in ("classroom", "venue", "crash-2025-10")}
EDGES = [
    None, True, False, 0, -1, 1, 2, 10**9, 10**400, -0.0, 0.5, 1e-320, 1e308, math.inf, -math.inf, math.nan,
    "", "0", "cross", "isolated", "gbm", "BTC", "XBT", "os.system", "\u202e", "a\nb", "x" * 100, "\ud800",
    [], [1.0], [[1.0]], [{}], {}, {"kind": "gbm"}, {"kind": "uniform", "low": 1.0, "high": 2.0}, {"a": {"b": 1}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into plain data."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


PLACES = {name: list(places(data)) for name, data in WHOLE.items()}


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """A preset with one to three changes: another value, a deleted, doubled, renamed or foreign part."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    data = copy.deepcopy(WHOLE[name])
    for _ in range(draw(st.integers(1, 3))):
        *above, key = draw(st.sampled_from(PLACES[name]))
        parent: Any = data
        try:
            for part in above:
                parent = parent[part]
            parent[key]
        except (KeyError, IndexError, TypeError):
            continue
        change(draw, parent, key)
    return {**data, "steps": 2} if data.get("steps") == WHOLE[name]["steps"] else data


def change(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """Break one part in one of five ways."""
    way = draw(st.sampled_from(["value", "value", "delete", "double", "rename", "foreign"]))
    if way == "value":
        parent[key] = copy.deepcopy(draw(st.sampled_from(EDGES)))
    elif way == "delete":
        del parent[key]
    elif way == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif way == "rename" and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    else:
        other = draw(st.sampled_from(sorted(WHOLE)))
        source: Any = WHOLE[other]
        for part in draw(st.sampled_from(PLACES[other])):
            source = source[part]
        parent[key] = copy.deepcopy(source)


@settings(max_examples=300)
@given(mutants())
def test_a_mutated_preset_is_used_or_refused_by_the_contract(data: dict[str, Any]) -> None:
    try:
        scenario = load(data)
    except ScenarioError as error:
        check_lines(error.problems)
        return
    if sum(group.count for group in scenario.population) > 5000 or scenario.steps > 2:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            run(scenario)
        except (ScenarioError, CapacityError) as error:
            assert str(error)


@settings(max_examples=200)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_preset_with_mangled_text_is_parsed_or_refused_by_the_contract(name: str, data: st.DataObject) -> None:
    text = (PRESETS / f"{name}.toml").read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(start + 20, len(text))))
    piece = data.draw(st.text(alphabet="[]{}=.,'\"\\#\n \t_-+:0123456789abcdefinf", max_size=6))
    try:
        check(parse_toml(text[:start] + piece + text[stop:], "case.toml"))
    except ScenarioError as error:
        check_lines(error.problems)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_every_key_of_a_preset_has_its_place(name: str) -> None:
    source = source_of(name)
    lines = (PRESETS / f"{name}.toml").read_text("utf-8").split("\n")
    for path in PLACES[name]:
        line, column = source.places[path]
        text = lines[line - 1][column - 1 :]
        if isinstance(path[-1], str) and not text.startswith("["):
            assert path[-1] in text.split("=")[0], (path, text)


def test_a_refused_scenario_leaves_its_folder_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for edge in EDGES:
        with pytest.raises(ScenarioError):
            load({**WHOLE["classroom"], "markets": edge})
    assert not list(tmp_path.iterdir())

"""Scenarios by name, from files and from plain data; overrides; price files; the presets themselves."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from experiments import load, run
from experiments.overrides import apply, read_overrides
from experiments.scenarios import PRESETS, preset_names, source_of
from experiments.toml_source import parse_toml, read_toml
from simulation.errors import PriceDataError, ScenarioError
from simulation.scenario import Scenario

PLAIN = {
    "steps": 4,
    "markets": [{"name": "BTC", "price": 100.0}, {"name": "ETH", "price": 10.0}],
    "price": {"kind": "gbm"},
    "population": [{"kind": "holder", "name": "retail", "count": 3, "leverage": 2.0}],
}


class TestSources:
    def test_a_preset_is_loaded_by_name(self) -> None:
        assert load("classroom").name == "classroom"

    def test_a_file_is_loaded_by_path(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_bytes((PRESETS / "classroom.toml").read_bytes())
        assert load(file) == load(str(file)) == load("classroom")

    def test_a_file_is_told_from_a_preset_of_the_same_name_by_its_ending(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("classroom.toml").write_text((PRESETS / "classroom.toml").read_text().replace('"classroom"', '"mine"'))
        assert load("classroom.toml").name == "mine"
        assert load("classroom").name == "classroom"

    def test_plain_data_and_scenarios_are_taken_as_they_are(self) -> None:
        scenario = load(PLAIN)
        assert isinstance(scenario, Scenario)
        assert load(scenario) == scenario

    def test_what_a_scenario_says_of_itself_can_be_loaded_again(self) -> None:
        for name in preset_names():
            scenario = load(name)
            assert load(json.loads(json.dumps(scenario.to_dict()))) == scenario

    def test_the_given_data_are_left_alone(self) -> None:
        before = json.dumps(PLAIN)
        load(PLAIN, ["markets.BTC.price=7.0", "population.retail.leverage=3"])
        assert json.dumps(PLAIN) == before


class TestOverrides:
    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("steps=7", ("steps",), 7),
            ("margin.kind=portfolio", ("margin", "kind"), "portfolio"),
            ("markets[1].price=5.5", ("markets", 1, "price"), 5.5),
            ("markets.1.price=5.5", ("markets", 1, "price"), 5.5),
            ("markets.ETH.price=5.5", ("markets", "ETH", "price"), 5.5),
            ("about='two words'", ("about",), "two words"),
            ("wicks=[]", ("wicks",), []),
            ("population.retail.leverage={kind='uniform', low=1, high=2}", ("population", "retail", "leverage"), None),
            ("x=true", ("x",), True),
            ("x=-1e5", ("x",), -1e5),
        ],
    )
    def test_a_text_is_read_as_a_path_and_a_toml_value(self, text: str, path: tuple, value: object) -> None:
        (override,) = read_overrides([text])
        assert override.path == path
        assert value is None or override.value == value

    def test_entries_are_found_by_name_or_number(self) -> None:
        by_name = load(PLAIN, ["markets.ETH.price=5.5", "population.retail.count=9"])
        assert by_name == load(PLAIN, ["markets[1].price=5.5", "population[0].count=9"])
        assert by_name.markets[1].price == 5.5

    def test_a_table_that_is_not_there_is_made(self) -> None:
        assert load(PLAIN, ["margin.kind=isolated"]).margin.segregated
        assert load(PLAIN, ["fees.taker_rate=0"]).fees.taker_rate == 0.0

    def test_later_overrides_see_earlier_ones(self) -> None:
        changed = apply(PLAIN, read_overrides(["margin.kind=portfolio", "margin.correlation=0.2"]))
        assert changed["margin"] == {"kind": "portfolio", "correlation": 0.2}

    def test_the_order_of_overrides_of_different_fields_does_not_matter(self) -> None:
        texts = ["seed=5", "steps=2", "margin.kind=isolated"]
        assert load(PLAIN, texts) == load(PLAIN, texts[::-1])

    def test_the_override_is_blamed_and_not_the_file(self) -> None:
        with pytest.raises(ScenarioError) as refusal:
            load("classroom", ["markets.SOL.price=-1"])
        assert refusal.value.problems == [
            "--set markets.SOL.price=-1: markets[2].price: must be greater than 0 (got -1)"
        ]


class TestPlaces:
    TEXT = """# a comment with = and [brackets]
name = "x"      # name = "y"
a.b = 1
'quoted key' = [ 1, {c = 2, d.e = "#"},
  [3, 4] ]
[table]
key = '''
fake = 1
'''
[[list]]
x = 1
[[list]]
x = 2
[list.inner]
y = 3.5
z = 1979-05-27T07:32:00Z
[[list.deep]]
w = 1
"""

    def test_every_key_and_entry_is_found(self) -> None:
        source = parse_toml(self.TEXT, "f")
        assert source.data == tomllib.loads(self.TEXT)
        expected = {
            ("name",): (2, 1), ("a", "b"): (3, 1), ("quoted key",): (4, 1), ("quoted key", 1, "c"): (4, 22),
            ("quoted key", 1, "d", "e"): (4, 29), ("quoted key", 2): (5, 3), ("table",): (6, 1),
            ("table", "key"): (7, 1), ("list", 0, "x"): (11, 1), ("list", 1): (12, 1), ("list", 1, "x"): (13, 1),
            ("list", 1, "inner", "y"): (15, 1), ("list", 1, "inner", "z"): (16, 1),
            ("list", 1, "deep", 0, "w"): (18, 1),
        }  # fmt: skip
        assert {path: source.places[path] for path in expected} == expected
        assert ("table", "fake") not in source.places

    def test_an_absent_field_is_placed_at_its_table(self) -> None:
        assert parse_toml(self.TEXT, "f").place(("list", 1, "missing")) == "f:12:1"
        assert parse_toml(self.TEXT, "f").place(("nowhere",)) == "f"


class TestPrices:
    def prices(self, folder: Path, rows: int = 6) -> Path:
        file = folder / "prices.csv"
        lines = [f"2024-01-01T{hour:02}:00:00Z,{50 + hour},{200 + hour},1.5" for hour in range(rows)]
        file.write_text("\n".join(["time,ETH,BTC,XRP", *lines]) + "\n")
        return file

    def test_a_price_file_becomes_the_storm(self, tmp_path: Path) -> None:
        scenario = load(PLAIN, prices=self.prices(tmp_path))
        assert scenario.column("price").tolist() == [200.0, 50.0]
        assert scenario.step_seconds == 3600.0
        result = run(scenario)
        btc = result.prices[result.prices["market"] == "BTC"]
        assert np.array_equal(btc["index"], 200.0 + np.arange(6))

    def test_steps_beyond_the_file_are_refused_with_what_would_do(self, tmp_path: Path) -> None:
        with pytest.raises(PriceDataError, match="has 4 rows; steps needs 5; hint: --set steps=3"):
            load(PLAIN, ["steps=4"], self.prices(tmp_path, rows=4))
        assert load(PLAIN, ["steps=3"], self.prices(tmp_path, rows=4)).steps == 3

    def test_a_market_that_the_file_lacks_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PriceDataError, match=r'must be among ETH, BTC, XRP \(got "SOL"\)'):
            load("classroom", prices=self.prices(tmp_path))


class TestPresets:
    @pytest.mark.parametrize("name", preset_names())
    def test_a_preset_is_valid_and_named_as_its_file(self, name: str) -> None:
        scenario = load(name)
        assert scenario.name == name
        assert scenario.about

    def test_there_are_the_three_that_are_promised(self) -> None:
        assert {"classroom", "venue", "crash-2025-10"} <= set(preset_names())
        assert sum(group.count for group in load("classroom").population) == 200
        assert sum(group.count for group in load("venue").population) == 2000
        assert len(load("venue").markets) == 8

    @pytest.mark.parametrize("name", ["venue", "crash-2025-10"])
    def test_every_measured_or_assumed_number_says_so(self, name: str) -> None:
        text = (PRESETS / f"{name}.toml").read_text("utf-8")
        for word in ("measured", "published", "assumed", "2025-10-10", "May 2026"):
            assert word in text or "as in the preset `venue`" in text

    def test_the_crash_passes_through_its_waypoints(self) -> None:
        scenario = load("crash-2025-10")
        result = run(scenario.with_(steps=75, population=[{"kind": "holder", "count": 1}]))
        prices = result.prices.pivot(index="step", columns="market", values="index")
        for name, points in source_of("crash-2025-10").data["price"]["waypoints"].items():
            for step, price in points:
                assert prices.loc[step, name] == pytest.approx(price, rel=1e-12)

    def test_calm_days_in_the_classroom_are_quiet_and_its_storm_is_not(self) -> None:
        storm = load("classroom", ["margin.kind=isolated"])
        calm = storm.with_(price=storm.to_dict()["price"]["base"])
        quiet, loud = ([run(kind.with_(seed=seed)).metrics for seed in range(1, 7)] for kind in (calm, storm))
        assert sum(metrics["insolvent"] for metrics in quiet) == 0.0
        hit = [sum(metrics["liquidated_accounts"] for metrics in runs) for runs in (quiet, loud)]
        assert hit[1] > 3.0 * hit[0]


def test_reading_is_capped_at_a_mebibyte(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b"#" * 1_048_577)
    with pytest.raises(ScenarioError, match="limit 1 MiB"):
        read_toml(file)

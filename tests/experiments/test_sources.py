"""What the functions take: the name of a preset, plain data, a scenario, a run, a results folder; all the same."""

import pytest

from experiments import contagion, explain, impulse, load, loops, run, warn
from experiments.impulse.impulse import Shock
from experiments.run_folder import save_run
from simulation.errors import InputError, ScenarioError
from tests.experiments.storms import by_hand

SHOCK = Shock(size=-0.05, step=1, horizon=2)
ASKED = {
    "explain": lambda source: str(explain(source)),
    "contagion": lambda source: str(contagion(source)),
    "warn": lambda source: str(warn(source)),
    "loops": lambda source: str(loops(source, ("impact",), (1, 2), workers=1)),
    "impulse": lambda source: str(impulse(source, SHOCK, workers=1)),
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """One scenario, given in every way."""
    scenario = by_hand()
    folder = tmp_path_factory.mktemp("results") / "r"
    found = run(scenario)
    save_run(found, folder)
    return {"scenario": scenario, "data": scenario.to_dict(), "run": found, "folder": str(folder), "path": folder}


@pytest.mark.parametrize("name", ASKED)
def test_the_answer_is_the_same_however_the_scenario_is_given(name, sources):
    told = {how: ASKED[name](source) for how, source in sources.items()}
    assert len(set(told.values())) == 1, sorted(told)


def test_a_run_takes_names_data_and_scenarios():
    found = [run(source).digest for source in ("classroom", load("classroom"), load("classroom").to_dict())]
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", ASKED)
def test_what_does_not_exist_is_one_line(name):
    with pytest.raises((InputError, ScenarioError), match="scenario file not found: nowhere"):
        ASKED[name]("nowhere")


@pytest.mark.parametrize("name", ["contagion", "warn", "explain"])
def test_another_storm_in_the_folder_is_refused(name, tmp_path):
    folder = tmp_path / "r"
    save_run(run(by_hand()), folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"digest": "', '"digest": "0'))
    with pytest.raises(InputError, match="its storm cannot be repeated"):
        ASKED[name](folder)

"""A results folder says what it came from, and any later change to it is found."""

import json

import numpy as np
import pytest

from experiments.store import (
    MANIFEST,
    canonical_json,
    file_hash,
    results_folder,
    scenario_hash,
    verify,
    write_bytes,
    write_json,
)
from tests.experiments.test_store import SCENARIO, save


def test_the_manifest_says_what_was_run_with_what(tmp_path):
    save(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["scenario_sha256"] == scenario_hash(SCENARIO)
    assert manifest["seeds"] == [7, 8]
    assert manifest["command"] == ["crossmargin", "run"]
    assert {"python", "numpy", "pandas", "pyarrow"} <= manifest["versions"].keys()
    listed = manifest["files"]["runs.csv"]
    assert listed == {"bytes": 4, "sha256": file_hash(tmp_path / "out" / "runs.csv")}


def test_equal_runs_give_equal_manifests(tmp_path):
    save(tmp_path / "one")
    save(tmp_path / "two")
    assert (tmp_path / "one" / MANIFEST).read_bytes() == (tmp_path / "two" / MANIFEST).read_bytes()


def test_every_changed_missing_or_added_file_is_found(tmp_path):
    with results_folder(tmp_path / "out") as folder:
        for name in ("a.csv", "b.csv"):
            write_bytes(folder / name, b"12345")
    (tmp_path / "out" / "a.csv").write_bytes(b"12344")
    (tmp_path / "out" / "b.csv").rename(tmp_path / "out" / "c.csv")
    problems = verify(tmp_path / "out")
    assert [line.split(" (")[0] for line in problems] == [
        "b.csv: missing",
        "c.csv: not in the manifest",
        "a.csv: changed",
    ]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"files": 3, "schema": "other"}', "\xff"])
def test_a_manifest_that_cannot_be_used_is_said_to_be_so(tmp_path, content):
    if content is not None:
        (tmp_path / MANIFEST).write_text(content, "latin-1")
    assert verify(tmp_path) == [f"{MANIFEST}: missing or not ours"]


def test_the_hash_of_a_scenario_is_that_of_its_data_and_not_of_its_form():
    assert scenario_hash({"a": 1, "b": [1.5, "x"]}) == scenario_hash({"b": (1.5, "x"), "a": 1})
    assert scenario_hash({"a": np.float64(0.1), "b": np.arange(2)}) == scenario_hash({"b": [0, 1], "a": 0.1})
    different = [
        {"a": 1},
        {"a": 1.0},
        {"a": "1"},
        {"a": True},
        {"a": None},
        {"b": 1},
        {"a": 1.0000000000000002},
    ]
    assert len({scenario_hash(each) for each in different}) == len(different)


def test_the_hash_never_changes_between_versions():
    assert canonical_json(SCENARIO) == ('{"markets":[{"name":"BTC","price":60000.0}],"price":{"kind":"gbm"},"seed":7}')
    assert scenario_hash(SCENARIO) == "e7d567e037d6b8875f592f850d2583ce2a1273e86c664c2f2338b95972a0ea9b"


def test_what_is_not_plain_data_has_no_hash():
    with pytest.raises(TypeError, match="not plain data: set"):
        scenario_hash({"a": {1, 2}})


def test_json_on_disk_has_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"x": float("nan"), "y": [np.float64(np.inf), 1], "z": {"w": np.arange(2)}})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": [None, 1], "z": {"w": [0, 1]}}

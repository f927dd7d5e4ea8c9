"""Results folders whose manifest is gone or damaged: nobody knows which run it was, so that none is made up."""

import json

import pytest

from experiments.causes.source import source_of
from experiments.cli import execute
from experiments.run import run
from experiments.run_folder import save_run
from simulation.errors import InputError
from tests.experiments.storms import by_hand

DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[1]",
    b'"worst"',
    b'{"shown": 3}',
    b'{"shown": {"worst": {}, "median": 1',
    b'{"shown": {"worst": {"regime": "cross", "seed": 1}}}',
    b'{"shown": {"worst": 7}}',
]


@pytest.fixture
def folder(tmp_path):
    save_run(run(by_hand()), tmp_path / "r")
    return tmp_path / "r"


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_manifest_is_refused(folder, content) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match="missing or damaged"):
        source_of(folder)


@pytest.mark.parametrize("command", ["explain", "contagion", "warn", "loops", "impulse"])
def test_a_missing_manifest_is_one_line_and_exit_code_2(folder, command, capsys) -> None:
    (folder / "manifest.json").unlink()
    assert execute([command, str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip().count("\n") == 0
    assert "manifest.json: missing or damaged; must be as crossmargin run or compare wrote it" in said.err


def test_the_manifest_as_written_is_taken(folder) -> None:
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    assert source_of(folder) == (by_hand(), digest)


@pytest.mark.parametrize("command", ["explain", "contagion", "warn"])
def test_a_storm_that_is_not_the_one_of_the_folder_is_refused_and_nothing_written(folder, command, capsys) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "digest": "0" * 64}))
    assert execute([command, str(folder), "--out", str(folder.parent / "out")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.strip().count("\n") == 0
    assert f"{folder}: its storm cannot be repeated; it was written by another version" in said.err
    assert [path.name for path in folder.parent.iterdir()] == ["r"]


@pytest.mark.parametrize("command", ["explain", "contagion", "warn"])
def test_the_storm_of_the_folder_is_taken_and_named_in_what_is_written(folder, command, capsys) -> None:
    out = folder.parent / "out"
    assert execute([command, str(folder), "--out", str(out)]) == 0
    digests = [json.loads((each / "manifest.json").read_text())["digest"] for each in (folder, out)]
    assert digests[0] == digests[1]
    assert source_of(out) == source_of(folder)  # so that it can be asked again from there

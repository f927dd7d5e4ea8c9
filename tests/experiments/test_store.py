"""Results are there as a whole or not at all, and what was there before stays."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from experiments.store import (
    MANIFEST,
    Provenance,
    check_target,
    results_folder,
    verify,
    write_bytes,
)
from simulation.errors import StoreError

SCENARIO = {"seed": 7, "markets": [{"name": "BTC", "price": 60_000.0}], "price": {"kind": "gbm"}}
ROOT = Path(__file__).parents[2]


def save(path, text="a\n1\n", **options):
    with results_folder(path, Provenance(SCENARIO, [7, 8], ["crossmargin", "run"]), **options) as folder:
        write_bytes(folder / "runs.csv", text.encode())


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


def python(code, **options):
    """A process of its own that runs `code` with the packages importable."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# Whole or absent --------------------------------------------------------------------------------------------


def test_a_results_folder_appears_with_its_files_and_manifest(tmp_path):
    save(tmp_path / "out")
    assert inside(tmp_path) == ["out"]
    assert inside(tmp_path / "out") == [MANIFEST, "runs.csv"]


def test_nothing_is_visible_before_the_end(tmp_path):
    with results_folder(tmp_path / "out") as folder:
        write_bytes(folder / "runs.csv", b"a\n")
        assert not (tmp_path / "out").exists()
        assert all(name.startswith(".") for name in inside(tmp_path))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_an_error_or_ctrl_c_leaves_nothing_behind(tmp_path, error):
    with pytest.raises(error), results_folder(tmp_path / "deep" / "er" / "out") as folder:
        write_bytes(folder / "runs.csv", b"half")
        raise error
    assert inside(tmp_path) == []


def test_parents_are_created_and_the_folder_has_the_usual_permissions(tmp_path):
    save(tmp_path / "deep" / "er" / "out")
    usual = tmp_path / "usual"
    usual.mkdir()
    assert (tmp_path / "deep" / "er" / "out").stat().st_mode == usual.stat().st_mode


def test_a_killed_process_leaves_no_results_folder(tmp_path):
    process = python(f"""
        import time
        from experiments.store import results_folder, write_bytes
        with results_folder({str(tmp_path / "out")!r}) as folder:
            write_bytes(folder / "runs.csv", b"half")
            print("ready", flush=True)
            time.sleep(60)
        """)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    assert not (tmp_path / "out").exists()
    save(tmp_path / "out")  # and nothing stands in the way of the next run
    assert verify(tmp_path / "out") == []


def test_ctrl_c_in_a_real_process_leaves_nothing(tmp_path):
    process = python(f"""
        import time
        from experiments.store import results_folder
        with results_folder({str(tmp_path / "new" / "out")!r}):
            print("ready", flush=True)
            time.sleep(60)
        """)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert inside(tmp_path) == []


# A full disk ------------------------------------------------------------------------------------------------


def test_a_file_size_limit_is_a_refusal_and_leaves_nothing(tmp_path):
    process = python(f"""
        import resource
        from experiments.store import results_folder, write_bytes
        from simulation.errors import StoreError
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with results_folder({str(tmp_path / "out")!r}) as folder:
                write_bytes(folder / "runs.csv", b"x" * 100_000)
        except StoreError as error:
            print(error)
        """)
    out, _ = process.communicate(timeout=300)
    assert "cannot be written: a file grew past the size limit; nothing was left behind" in out
    assert inside(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_no_space_left_is_a_refusal_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(StoreError, match="no space left on the disk; nothing was left behind"),
        results_folder(tmp_path / "out") as folder,
    ):
        write_bytes(folder / "runs.csv", b"fine")
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"does not fit")
    assert inside(tmp_path) == []


def test_whichever_flush_fails_the_folder_is_absent(tmp_path, monkeypatch):
    real, failures = os.fsync, 0
    for nth in range(1, 20):
        calls = iter(range(1, 100))

        def fsync(handle, calls=calls, nth=nth):
            if next(calls) == nth:
                raise OSError(5, "Input/output error")
            return real(handle)

        monkeypatch.setattr(os, "fsync", fsync)
        try:
            save(tmp_path / "out")
        except StoreError as error:
            failures += 1
            assert "the disk reports an error" in str(error)
            assert inside(tmp_path) == []
        else:
            break
    assert failures == 4  # two files, the folder, its parent
    assert verify(tmp_path / "out") == []


def test_other_errors_of_the_system_pass_through_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), results_folder(tmp_path / "out"):
        Path(tmp_path, "absent").read_bytes()


def test_a_place_that_cannot_hold_a_folder_is_refused():
    with pytest.raises(StoreError, match="cannot be written"):
        save("/proc/crossmargin")


# Not over somebody's files ----------------------------------------------------------------------------------


def test_a_folder_that_holds_files_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="already holds files"):
        check_target(tmp_path / "out")
    with pytest.raises(StoreError, match="already holds files"):
        save(tmp_path / "out")
    assert inside(tmp_path / "out") == ["thesis.txt"]


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "out").mkdir()
    save(tmp_path / "out")
    assert verify(tmp_path / "out") == []


def test_a_file_in_the_place_of_the_folder_or_of_its_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(StoreError, match="must be a folder or not exist"):
            save(path, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"


def test_overwriting_replaces_the_earlier_results_as_a_whole(tmp_path):
    with results_folder(tmp_path / "out") as folder:
        write_bytes(folder / "old.csv", b"old")
    save(tmp_path / "out", overwrite=True)
    assert inside(tmp_path / "out") == [MANIFEST, "runs.csv"]
    assert inside(tmp_path) == ["out"]


def test_overwriting_spares_everything_crossmargin_did_not_write(tmp_path):
    save(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / MANIFEST).write_text('{"name": "a browser extension"}')
    for folder, name in (("out", "notes.txt"), ("home", MANIFEST)):
        with pytest.raises(StoreError, match=f'"{name}" in it was not written by CrossMargin'):
            save(tmp_path / folder, overwrite=True)
        assert (tmp_path / folder / name).exists()


def test_an_error_while_overwriting_keeps_the_earlier_results(tmp_path):
    save(tmp_path / "out", text="first")
    with pytest.raises(KeyboardInterrupt), results_folder(tmp_path / "out", overwrite=True) as folder:
        write_bytes(folder / "runs.csv", b"second")
        raise KeyboardInterrupt
    assert (tmp_path / "out" / "runs.csv").read_text() == "first"
    assert verify(tmp_path / "out") == []
    assert inside(tmp_path) == ["out"]


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_disk_error_while_overwriting_brings_the_earlier_results_back(tmp_path, monkeypatch, nth):
    save(tmp_path / "out", text="first")
    calls, real = iter(range(1, 100)), os.fsync

    def fsync(handle):
        if next(calls) == nth:
            raise OSError(5, "Input/output error")
        return real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError):
        save(tmp_path / "out", text="second", overwrite=True)
    assert (tmp_path / "out" / "runs.csv").read_text() == "first"
    assert inside(tmp_path) == ["out"]


def test_a_folder_filled_by_somebody_else_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(StoreError), results_folder(tmp_path / "out") as folder:
        write_bytes(folder / "runs.csv", b"ours")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs.txt").write_text("theirs")
    assert inside(tmp_path / "out") == ["theirs.txt"]
    assert inside(tmp_path) == ["out"]


def test_the_same_file_is_not_written_twice(tmp_path):
    write_bytes(tmp_path / "a", b"1")
    with pytest.raises(FileExistsError):
        write_bytes(tmp_path / "a", b"2")

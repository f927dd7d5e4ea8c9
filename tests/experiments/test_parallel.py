"""The number of workers changes only the time; deaths are survived, and no process outlives its parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from experiments.parallel import pin_threads, run_jobs
from simulation.errors import CrossMarginError, InputError, RunFailed
from tests.experiments import jobs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("workers", "start"), [(2, "spawn"), (3, "spawn"), (2, "fork"), (3, "fork"), (2, "forkserver")]
)
def test_results_are_byte_identical_for_any_number_of_workers_and_start_method(workers, start):
    assert run_jobs(jobs.draw, range(12), workers, start=start) == run_jobs(jobs.draw, range(12))


def test_results_come_in_the_order_of_the_jobs_not_of_completion():
    finished = []
    results = run_jobs(jobs.slow_first, range(6), 2, lambda done, total: finished.append((done, total)), "fork")
    assert results == list(range(6))
    assert finished == [(done, 6) for done in range(1, 7)]


def test_one_worker_is_this_process_and_takes_what_cannot_be_pickled():
    assert run_jobs(lambda job: (job, os.getpid()), [1, 2]) == [(1, os.getpid()), (2, os.getpid())]


def test_workers_are_other_processes_with_one_thread_of_linear_algebra(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    seen = run_jobs(jobs.process_and_threads, range(4), 2)
    assert os.getpid() not in {pid for pid, _, _ in seen}
    assert {threads for _, *both in seen for threads in both} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_pinning_threads_respects_the_user(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    pin_threads()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == ("4", "1")


def test_no_jobs_give_no_results_for_any_number_of_workers():
    assert run_jobs(jobs.draw, []) == run_jobs(jobs.draw, [], 3) == []


# Death ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_a_worker_killed_with_signal_9_loses_nothing(tmp_path, start):
    batch = [(i, str(tmp_path), i in {0, 4, 5, 9}) for i in range(10)]
    assert run_jobs(jobs.die_once, batch, 2, start=start) == list(range(10))
    tries = {int(path.name): path.stat().st_size for path in tmp_path.iterdir()}
    assert all(tries[i] == 2 for i in (0, 4, 5, 9))
    assert max(tries.values()) == 2  # a job beside a dying one may have been interrupted, and runs again


def test_a_death_beside_another_job_does_not_count_against_a_job(tmp_path):
    batch = [(0, str(tmp_path)), (1, str(tmp_path))]
    assert run_jobs(jobs.die_alone, batch, 2, start="fork") == [0, 1]
    assert (tmp_path / "1").read_text() == "xxx"


def test_a_job_that_kills_its_worker_twice_is_named():
    with pytest.raises(RunFailed, match=r"job 4 of 6 \(.*3.*\): its worker process died twice") as failure:
        run_jobs(jobs.die_always, range(6), 2, start="fork")
    assert isinstance(failure.value, CrossMarginError)
    assert isinstance(failure.value, RuntimeError)


def test_a_script_without_main_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from experiments.parallel import run_jobs\nrun_jobs(abs, [1, 2], 2)\n")
    done = subprocess.run([sys.executable, script], env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "RunFailed: job 1 of 2" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr


# Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, 6])
def test_the_first_error_in_job_order_is_raised_whoever_fails_first(workers):
    with pytest.raises(InputError, match="market 2 is wrong") as failure:
        run_jobs(jobs.fail_late_and_early, range(6), workers, start="fork")
    assert failure.value.__notes__ == ["in job 3 of 6"]


def test_a_job_that_cannot_be_sent_is_an_error_and_not_a_hang():
    with pytest.raises(Exception, match=r"[Pp]ickle"):
        run_jobs(lambda job: job, [1, 2], 2)


@pytest.mark.parametrize("workers", [0, -1, 65, 10_000, 1.5, True, "2", None])
def test_a_number_of_workers_that_makes_no_sense_is_refused(workers):
    with pytest.raises(InputError, match=r"workers: must be a whole number from 1 to 64 \(got"):
        run_jobs(jobs.draw, [1], workers)


def test_an_unknown_start_method_is_refused():
    with pytest.raises(InputError, match=r'start: must be one of spawn, .* \(got "thread"\)'):
        run_jobs(jobs.draw, [1], 2, start="thread")


# Progress ---------------------------------------------------------------------------------------------------


def test_a_bar_is_drawn_on_stderr_only_when_asked_or_on_a_terminal(capsys):
    run_jobs(jobs.draw, range(3), progress=True)
    drawn = capsys.readouterr()
    assert "3/3" in drawn.err
    assert drawn.out == ""
    run_jobs(jobs.draw, range(3))
    run_jobs(jobs.draw, range(3), progress=False)
    assert capsys.readouterr() == ("", "")


# Orphans ----------------------------------------------------------------------------------------------------


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def sleeping_driver(folder, start):
    """A process with two workers that sleep for a minute, and the pids of those."""
    code = f"""
        from experiments.parallel import run_jobs
        from tests.experiments.jobs import leave_pid_and_sleep
        if __name__ == "__main__":
            run_jobs(leave_pid_and_sleep, [{str(folder)!r}] * 4, 2, start={start!r})
        """
    script = folder.with_suffix(".py")
    script.write_text(textwrap.dedent(code))
    driver = subprocess.Popen(
        [sys.executable, script], env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert until(lambda: len(list(folder.iterdir())) == 2, 120)
    return driver, [int(path.name) for path in folder.iterdir()]


def until(condition, seconds):
    end = time.perf_counter() + seconds
    while not condition() and time.perf_counter() < end:
        time.sleep(0.02)
    return condition()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("start", ["spawn", "fork"])
@pytest.mark.parametrize("how", ["ctrl-c on a terminal", "interrupt", "terminate", "kill -9"])
def test_no_worker_outlives_the_driver(tmp_path, start, how):
    folder = tmp_path / "pids"
    folder.mkdir()
    driver, workers = sleeping_driver(folder, start)
    if how == "ctrl-c on a terminal":
        os.killpg(driver.pid, signal.SIGINT)  # a terminal sends it to the whole group
    else:
        driver.send_signal({"interrupt": signal.SIGINT, "terminate": signal.SIGTERM}.get(how, signal.SIGKILL))
    _, errors = driver.communicate(timeout=300)
    assert until(lambda: not any(map(alive, workers)), 60)
    assert driver.returncode != 0
    if how in {"ctrl-c on a terminal", "interrupt"}:
        assert errors.count("Traceback") <= 1  # the driver's own; workers stay silent

"""Many independent jobs over worker processes: same results for any number of them, none lost, none orphaned.

Results come back in the order of the jobs. A worker that dies (killed, out of memory) costs only time: the
jobs that were out are tried again, each alone; one that dies there twice is named by `RunFailed`.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias, TypeVar

from experiments.plugins import load_plugins, loaded
from simulation.errors import InputError, RunFailed, shown

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress: TypeAlias = Callable[[int, int], None] | bool | None

MOST_WORKERS = 64
START_METHODS = ("spawn", "forkserver", "fork")
# Linear algebra with several threads may add in another order; one thread a process keeps every bit the same.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SCRIPT_HINT = "; hint: a script must call this under `if __name__ == '__main__':`"


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int = 1,
    progress: Progress = None,
    start: str = "spawn",
) -> list[Result]:
    """Return `[function(job) for job in jobs]`, computed by `workers` processes (1: in this process).

    `function` must be importable and the jobs picklable, unless `workers` is 1. `progress` is called with
    (done, total) after each job; True draws a bar on stderr, None does so on a terminal only. An error in a
    job stops the rest and is raised as it is, the first in job order. Raises `RunFailed` when a job kills its
    worker twice, `InputError` for a number of workers or a start method that does not exist.
    """
    _check(workers, start)
    jobs = list(jobs)
    with _reporting(progress, len(jobs)) as report:
        if workers == 1 or not jobs:
            return [_in_process(function, jobs, i, report) for i in range(len(jobs))]
        with _environment(dict.fromkeys(ONE_THREAD, "1")):
            return _Batch(function, jobs, min(workers, len(jobs)), start, report).run()


def pin_threads() -> None:
    """Let linear algebra use one thread unless the user chose otherwise; call it before numpy is imported."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")


class _Batch:
    """One call of `run_jobs`. No more jobs are out than there are workers, so a death has few suspects."""

    def __init__(self, function: Callable, jobs: list, workers: int, start: str, report: Callable[[int], None]) -> None:
        self.function, self.jobs, self.workers, self.report = function, jobs, workers, report
        self.context = multiprocessing.get_context(start)
        self.results: dict[int, object] = {}
        self.errors: dict[int, Exception] = {}
        self.waiting = list(range(len(jobs)))[::-1]

    def run(self) -> list:
        while self.waiting and not self.errors:
            for suspect in self._shift(self.workers):
                self._again(suspect)
        if self.errors:
            raise self.errors[min(self.errors)]
        return [self.results[i] for i in range(len(self.jobs))]

    def _shift(self, workers: int) -> list[int]:
        """Hand out jobs until all are done, one fails, or a worker dies; return the jobs lost with it."""
        out: dict[Future, int] = {}
        with self._pool(workers) as pool:
            while True:
                try:
                    while self.waiting and len(out) < workers and not self.errors:
                        out[pool.submit(self.function, self.jobs[self.waiting[-1]])] = self.waiting[-1]
                        self.waiting.pop()
                except BrokenProcessPool:
                    pass  # then the jobs that are out have broken futures, which are collected below
                if not out:
                    return []
                if lost := self._collect(out):
                    return lost

    def _collect(self, out: dict[Future, int]) -> list[int]:
        """Wait for some of the jobs that are out; return those whose worker died."""
        lost = []
        for future in wait(out, return_when=FIRST_COMPLETED).done:
            i, error = out.pop(future), future.exception()
            if isinstance(error, BrokenProcessPool):
                lost.append(i)
            elif isinstance(error, Exception):
                error.add_note(_place(i, len(self.jobs)))
                self.errors[i] = error
            elif error is not None:
                raise error
            else:
                self._done(i, future.result())
        if lost and out:  # when one future is broken all are; wait for the rest of them
            lost += self._collect(out)
        return sorted(lost)  # `done` is a set, and which job gets named must not depend on its order

    def _again(self, i: int) -> None:
        """Try a job that was out when a worker died, alone in a pool of one, and once more if it dies there.

        Its first death does not count: another job may have caused it, before this one had even started.
        """
        for _ in range(2):
            if self.errors:
                return
            with self._pool(1) as pool:
                if not self._collect({pool.submit(self.function, self.jobs[i]): i}):
                    return
        hint = _SCRIPT_HINT if not self.results and self.context.get_start_method() != "fork" else ""
        raise RunFailed(
            f"job {i + 1} of {len(self.jobs)} ({shown(repr(self.jobs[i]))}): its worker process died twice "
            f"with nothing beside it; likely out of memory{hint}"
        )

    def _done(self, i: int, result: object) -> None:
        self.results[i] = result
        self.report(len(self.results))

    @contextmanager
    def _pool(self, workers: int) -> Iterator[ProcessPoolExecutor]:
        """Yield an executor whose workers are gone afterwards: let go when all went well, else killed."""
        pool = ProcessPoolExecutor(workers, self.context, _start_worker, (loaded(),))
        try:
            yield pool
        except BaseException:
            # Ctrl-C must not wait for jobs that may take an hour.
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(plugins: Sequence[str]) -> None:
    """Leave Ctrl-C to the parent, end when the parent ends, however it does, and load the plug-ins it has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_plugins(plugins)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_process(function: Callable[[Job], Result], jobs: list[Job], i: int, report: Callable[[int], None]) -> Result:
    try:
        result = function(jobs[i])
    except Exception as error:
        error.add_note(_place(i, len(jobs)))
        raise
    report(i + 1)
    return result


def _place(i: int, total: int) -> str:
    return f"in job {i + 1} of {total}"


def _check(workers: int, start: str) -> None:
    whole = isinstance(workers, int) and not isinstance(workers, bool)
    if not whole or not 1 <= workers <= MOST_WORKERS:
        raise InputError(
            f"workers: must be a whole number from 1 to {MOST_WORKERS} (got {shown(workers)}); "
            f"this machine has {os.cpu_count()} cores"
        )
    known = [name for name in START_METHODS if name in multiprocessing.get_all_start_methods()]
    if start not in known:
        raise InputError(f"start: must be one of {', '.join(known)} (got {shown(start)})")


def _reporting(progress: Progress, total: int) -> AbstractContextManager[Callable[[int], None]]:
    if callable(progress):
        return nullcontext(lambda done: progress(done, total))
    if progress or (progress is None and sys.stderr.isatty()):
        return _bar(total)
    return nullcontext(lambda _: None)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own: forking with threads running is not safe
    with tqdm(total=total, file=sys.stderr, unit="run", dynamic_ncols=True) as bar:

        def report(done: int) -> None:
            bar.update(done - bar.n)

        yield report


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for the processes started inside, and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

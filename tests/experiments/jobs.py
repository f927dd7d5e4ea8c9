"""Jobs for worker processes, which must be able to import them."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from simulation.errors import InputError


def draw(seed):
    """Bytes that any difference in order, seed or arithmetic would change."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(50, 50)) @ rng.normal(size=(50, 50))).tobytes()


def slow_first(i):
    time.sleep(0.3 if i == 0 else 0.0)
    return i


def process_and_threads(_):
    return os.getpid(), os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]


def die_once(job):
    """Kill -9 the worker the first time the job `(number, folder, deadly)` is tried, if it is deadly."""
    number, folder, deadly = job
    with (Path(folder) / str(number)).open("a") as tries:
        tries.write("x")
    if deadly and (Path(folder) / str(number)).stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number


def die_alone(job):
    """Job 0 dies once job 1 is running; job 1, interrupted by that, dies on its first try alone."""
    number, folder = job
    own, other = (Path(folder) / str(k) for k in (number, 1 - number))
    with own.open("a") as tries:
        tries.write("x")
    first, second = (own.stat().st_size == k for k in (1, 2))
    while number == 0 and first and not other.exists():
        time.sleep(0.01)
    if (number == 0 and first) or (number == 1 and second):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60 if number == 1 and first else 0)
    return number


def die_always(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_late_and_early(number):
    """Job 2 fails after job 4 has failed; job 2 is the one to report."""
    time.sleep(0.3 if number == 2 else 0.0)
    if number in {2, 4}:
        raise InputError(f"market {number} is wrong")
    return number


def leave_pid_and_sleep(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)

"""A venue that closes so many pools a step, against a queue written out by hand and against its fluid limit."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.liquidation_queue import (
    PRIORITIES,
    SIZES,
    Queue,
    delays,
    outcome,
    plot,
    run,
    run_priorities,
)
from experiments.run import run as run_scenario
from simulation.accounts import to_quanta

SMALL = Queue(accounts=400, steps=40, most_pools=5)


@functools.cache
def played(queue=SMALL, seed=1):
    return run_scenario(queue.scenario(seed))


def opened(queue, seed=1):
    """Size, deposit and row of every account, in the order of the table."""
    table = played(queue, seed).accounts
    table = table[table["kind"] == "book"]
    size = table["group"].str.removeprefix("size-").astype(float).to_numpy()
    return size, to_quanta(table["deposited"].to_numpy()), table["row"].to_numpy()


def queued(queue, seed=1):
    """The same day again, pool by pool: who is closed at which step, and what is missing then. Plain loops."""
    size, deposit, row = opened(queue, seed)
    path = [100.0 * (1.0 - queue.fall * min(t / queue.steps, 1.0)) for t in range(queue.scenario().steps + 1)]
    waiting, done, missing = {}, {}, 0.0
    for step, price in enumerate(path):
        equity = deposit + size * (price - 100.0)
        for i in range(len(size)):
            if i not in done and i not in waiting and equity[i] < queue.maintenance * size[i] * price:
                waiting[i] = step
        key = {
            "oldest": lambda i: (waiting[i], i),
            "largest_deficit": lambda i, e=equity, p=price: (e[i] - queue.maintenance * size[i] * p, i),
            "largest_notional": lambda i: (-size[i], i),
        }[queue.priority]
        for i in sorted(waiting, key=key)[: queue.most_pools]:
            done[i] = (step, step - waiting.pop(i))
            missing += max(-equity[i], 0.0)
    return {int(row[i]): found for i, found in done.items()}, missing


@pytest.mark.parametrize("priority", PRIORITIES)
@pytest.mark.parametrize("unequal", [False, True])
def test_the_venue_closes_whom_a_queue_by_hand_closes_and_when(priority, unequal):
    queue = replace(SMALL, priority=priority, unequal=unequal)
    known, missing = queued(queue)
    found = played(queue)
    steps = dict(zip(found.events["row"].tolist(), found.events["step"].tolist(), strict=True))
    assert len(steps) == len(found.events)  # each is closed once, whole
    assert steps == {row: step for row, (step, _) in known.items()}
    assert found.metrics["bad_debt"] == pytest.approx(missing, abs=1e-3)
    waited = dict(zip(found.events["row"].tolist(), delays(found, queue.maintenance).tolist(), strict=True))
    assert waited == {row: late for row, (_, late) in known.items()}


def test_no_step_closes_more_than_there_is_room_for_and_none_less_while_somebody_waits():
    closed = np.bincount(played().events["step"].to_numpy())
    busy = closed[1 : np.flatnonzero(closed)[-1]]
    assert busy.max() == SMALL.most_pools
    assert (busy == SMALL.most_pools).mean() > 0.9  # arrivals are 8.2 a step


def test_everybody_whose_price_was_reached_is_closed_in_the_end():
    size, deposit, _ = opened(SMALL)
    bottom = 100.0 * (1.0 - SMALL.fall)
    due = deposit + size * (bottom - 100.0) < SMALL.maintenance * size * bottom
    assert len(played().events) == due.sum()
    assert due.mean() == pytest.approx(SMALL.share, abs=4.0 * math.sqrt(SMALL.share * (1.0 - SMALL.share) / 400))


def test_the_published_day_has_its_knee_where_the_venue_keeps_up():
    """4,100 pools of 5,000 in 120 steps are 34.2 a step: 30 are too few, 35 are enough."""
    day = Queue()
    assert day.arrivals == pytest.approx(34.17, abs=0.01)
    debts = [replace(day, most_pools=most).bad_debt() for most in (5, 20, 30, 35, 40)]
    assert debts == sorted(debts, reverse=True)
    assert debts[2] > 0.002 and debts[3] == debts[4] == 0.0
    late = [replace(day, most_pools=most).delay() for most in (20, 35)]
    assert late[0] > 80.0 and late[1] <= 1.0


def test_the_fluid_limit_by_hand():
    """m = 0: whoever comes at x waits x (k - 1) T; owed is s f times the integral of min(k x, 1) - x."""
    queue = Queue(steps=10_000, maintenance=0.0, accounts=500_000, share=0.8, fall=0.2, most_pools=20)
    k = 500_000 * 0.8 / 10_000 / 20
    assert queue.slowness == k == 2.0
    owed = 0.8 * 0.2 * ((1.0 - 1.0 / (2.0 * k)) - 0.5)
    assert queue.bad_debt() == pytest.approx(owed, rel=1e-3)
    assert queue.delay(0.95) == pytest.approx(0.95 * 10_000 * (k - 1.0), rel=1e-3)


def test_maintenance_that_covers_the_wait_leaves_nothing_missing():
    """The longest wait is that of x = 1 / k, until the bottom: its price falls from 1 - f / k to 1 - f meanwhile."""
    slow = Queue(most_pools=30)
    worst = 1.0 - (1.0 - slow.fall) / (1.0 - slow.fall / slow.slowness)
    step = slow.fall / slow.steps / (1.0 - slow.fall)
    assert replace(slow, maintenance=worst + step).bad_debt() == 0.0
    assert replace(slow, maintenance=worst - step).bad_debt() > 0.0


def test_the_engine_agrees_with_the_fluid_limit_on_average():
    queue = Queue(accounts=1_000, steps=60, most_pools=8)
    found = np.array([outcome(queue, seed)["bad_debt"] for seed in range(1, 11)])
    error = found.std(ddof=1) / math.sqrt(len(found))
    assert found.mean() == pytest.approx(1e4 * queue.bad_debt(), abs=4.5 * error)
    assert error < 0.1 * found.mean()


@functools.cache
def tables():
    small = replace(SMALL, accounts=300, steps=30)
    return run(small, (2, 5, 20), storms=3), run_priorities(small, storms=3)


def test_the_table_has_both_sides_and_intervals():
    table, _ = tables()
    assert table["most_pools"].tolist() == [2, 5, 20]
    assert table["load"].tolist() == pytest.approx([8.2 / 2, 8.2 / 5, 8.2 / 20])
    for name in ("bad_debt", "delay"):
        assert (table[f"{name}_low"] <= table[name]).all() and (table[name] <= table[f"{name}_high"]).all()
        assert table[f"{name}_expected"].is_monotonic_decreasing
    assert table["bad_debt"].iloc[0] > table["bad_debt"].iloc[1] > table["bad_debt"].iloc[2]


def test_large_pools_first_leave_less_bad_debt_than_the_oldest_first():
    _, order = tables()
    assert order["priority"].tolist() == list(PRIORITIES)
    assert order["difference"].iloc[0] == 0.0
    assert (order["difference_high"].iloc[1:] < 0.0).all()


def test_sizes_are_held_in_inverse_proportion():
    people = replace(SMALL, unequal=True).scenario().population
    counts = {int(group.name.removeprefix("size-")): group.count for group in people}
    assert set(counts) == set(SIZES) and sum(counts.values()) == SMALL.accounts
    assert counts[3] / counts[30] == pytest.approx(10.0, rel=0.1)


def test_the_picture_names_lambda_and_the_storms():
    picture = plot(replace(SMALL, accounts=100, steps=10, most_pools=5), storms=2)
    assert picture.png.startswith(b"\x89PNG")
    assert "8.2 pools under margin a step (lambda)" in picture.caption and "2 storms" in picture.caption

"""Event by event, the real venue and the exact ledger agree on every balance, on who is liquidated, and on who pays."""

import os

import pytest

from tests.reference.walk import Walk

EVENTS = int(os.environ.get("CROSSMARGIN_LEDGER_EVENTS", "10000"))
LENGTH = 250
REACHED = (
    "liquidation",
    "partial",
    "bankruptcy",
    "insurance",
    "adl",
    "adl exhausted",
    "rank tie",
    "socialised",
    "unpaid",
    "equity is maintenance",
    "mark moves",
)
counters: dict[str, int] = {}


@pytest.mark.parametrize("seed", range(-(-EVENTS // LENGTH)))
def test_the_exact_ledger_agrees_after_every_event(seed: int) -> None:
    Walk(seed, LENGTH, counters).run()


def test_the_walks_reached_every_corner() -> None:
    if counters.get("events", 0) < EVENTS:
        pytest.skip("needs all walks in one process, all of them green")
    print(counters)
    missing = {name for name in REACHED if counters.get(name, 0) < 5}
    assert not missing, f"{missing} hardly came up in {counters}"

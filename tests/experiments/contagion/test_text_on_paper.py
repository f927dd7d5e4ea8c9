"""What the command `contagion` prints of a chain of two, on paper, and which storm of several it shows."""

import pytest

from experiments.contagion.study import contagion
from tests.experiments.storms import TIER, by_hand, holder_of, one_market

SEVERAL = {
    "population": [holder_of(1.0, 99.0 - 0.3 * i, f"A{i}") for i in range(10)],
    "price": {"kind": "gbm"},
    "steps": 12,
    "step_seconds": 3600.0,
    "impact": {"kind": "linear_units", "dollars_per_unit": 0.1},
}


def test_the_text_of_a_chain_of_two() -> None:
    """A sells at 96.50, which takes 2 (96.50 - 94.50) = 4 dollars from B by logs: 4.07. One of two has a parent."""
    text = str(contagion(by_hand())).splitlines()
    assert text[:4] == [
        "by-hand, seed 1: 2 closings of 2 pools in 1 cascade",
        "the largest cascade has 2 pools, the deepest 2 generations",
        "1 pool in the largest generation, all cascades together",
        "1 community of closings (Louvain)",
    ]
    assert text[6:9] == ["   X", "X  4", "across markets: $0"]
    worst = text.index("accounts whose forced sales cost others most:")
    assert text[worst + 1].split() == ["A[0]", "$4.07,", "onward", "$4.07"]
    assert text[worst + 2] == ""  # B[0], who cost nobody anything, is not named
    ratios = text.index("branching ratio over 1 storm:")
    assert text[ratios + 2].startswith("  generational   0.5 [?, ?]")
    assert text[ratios + 3].startswith("  amplification  0.5 [?, ?]")  # of two closed, one in the twin: 1 - 1 / 2


def test_one_closing_is_told_in_the_singular() -> None:
    text = str(contagion(one_market([holder_of(4.0, 97.0, "A")]))).splitlines()
    assert text[0] == "by-hand, seed 1: 1 closing of 1 pool in 1 cascade"
    assert text[1] == "the largest cascade has 1 pool, the deepest 1 generation"
    assert "  none cost others anything" in text


def test_of_several_storms_the_one_with_most_liquidated_is_shown() -> None:
    found = contagion(one_market(**SEVERAL), 4)
    closed = {one.scenario.seed: one.metrics["liquidated_notional"] for one in found.runs}
    assert list(closed) == [1, 2, 3, 4]
    worst = found.seen.run.scenario.seed
    assert closed[worst] == max(closed.values()) > min(closed.values())
    assert str(found).startswith(f"by-hand, the worst of 4 storms, seed {worst}: 10 closings of 10 pools in 5 cascades")
    assert "branching ratio over 4 storms:" in str(found)


def test_the_matrix_is_the_mean_over_storms_whether_or_not_anything_was_closed() -> None:
    found = contagion(one_market(**SEVERAL), 4)
    forced = [one.events["forced"].sum() for one in found.runs]
    assert found.hits["mean"].max() == pytest.approx(sum(forced) / 4, rel=1e-6)
    assert min(forced) == 0.0 < max(forced)


def test_of_many_markets_only_those_that_took_part_are_shown() -> None:
    names = ["X", *(f"M{i}" for i in range(20))]
    markets = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in names]
    storm = one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.0, "B")], markets=markets)
    text = str(contagion(storm)).splitlines()
    start = next(i for i, line in enumerate(text) if line.startswith("dollars of loss that forced sales in the row's"))
    assert [line.split()[0] for line in text[start + 1 : start + 4]] == ["X", "X", "20"]
    assert text[start + 3 : start + 5] == ["20 other markets: 0", "across markets: $0"]


def test_of_many_markets_without_any_loss_all_are_shown_and_none_is_left_out_of_a_line() -> None:
    markets = [{"name": f"M{i}", "price": 100_000.0, "tiers": [TIER]} for i in range(25)]
    rich = {"kind": "book", "name": "A", "count": 1, "units": {"M0": 1.0}, "deposit": 1e6}
    text = str(contagion(one_market([rich], markets=markets, price={"kind": "flat"}, steps=1)))
    assert "..." not in text and "other market" not in text
    rows = [line.split() for line in text.splitlines() if line.startswith("M")]
    assert rows == [[f"M{i}", *("0",) * 25] for i in range(25)]

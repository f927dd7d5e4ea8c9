"""The table of the loop switchboard as printed: one unit a metric, no exponents, parts that add up; its pictures."""

import re

import numpy as np
import pytest

from experiments.loops.folder import interactions_picture, loops_picture
from experiments.loops.loops import METRICS, Switchboard

NAMES = ("impact", "withdrawal")


def board(outcome: np.ndarray) -> Switchboard:
    """Return a switchboard with these outcomes (4, n) in every metric: none, impact, withdrawal, both."""
    return Switchboard(NAMES, tuple(range(1, outcome.shape[1] + 1)), dict.fromkeys(METRICS, outcome))


@pytest.fixture(scope="module")
def millions() -> Switchboard:
    storms = np.array([0.0, 0.3, -0.2, 0.4])
    return board(1e6 * np.stack([storms, 1.2 + 2.0 * storms, 2.5 + 1.5 * storms, 6.0 + 3.0 * storms]))


def values_of(text: str, metric: str) -> dict[str, list[float]]:
    """Return what each line of a metric says, without its intervals."""
    part = text.split(f"{metric}, ")[1].split("\n\n", maxsplit=1)[0]
    rows = re.findall(r"^  (\D+?)  +(.*)$", part, re.MULTILINE)
    return {name: [float(one) for one in re.findall(r"(-?[\d.,]+) \[", rest)] for name, rest in rows}


def test_dollars_are_told_in_a_unit_that_fits(millions) -> None:
    assert "liquidated_notional, $ million" in str(millions)
    assert "price_amplification, ratio" in str(millions)
    assert "bad_debt, $ thousand" in str(board(np.arange(4.0)[:, None] * 1e3 + np.arange(3.0)))
    assert not re.search(r"\de[+-]\d", str(millions))


def test_the_parts_shown_add_up_to_all_together(millions) -> None:
    shown = values_of(str(millions), "liquidated_notional")
    alone, shares = (sum(shown[loop][way] for loop in ("price impact", "liquidity withdrawal")) for way in (0, 1))
    assert shown["all together"][0] == pytest.approx(6.0 + 2.0 * 0.125, abs=0.01)
    assert shares == pytest.approx(shown["all together"][0], abs=0.02)
    assert alone + shown["only together"][0] == pytest.approx(shown["all together"][0], abs=0.02)


def test_what_is_equal_in_every_storm_has_no_interval() -> None:
    text = str(board(np.repeat([[0.0], [2.0], [0.0], [2.0]], 3, axis=1)))
    assert re.search(r"liquidity withdrawal +0 in every storm", text)
    assert re.search(r"price impact +2.00 in every storm +2.00 in every storm", text)


def test_loops_that_add_up_in_every_storm_are_said_to() -> None:
    storms = np.array([1.0, 2.0, 4.0])
    added = board(np.stack([0.0 * storms, storms, 2.0 * storms, 3.0 * storms]))
    assert added.verdict("bad_debt") == "just the sum of each alone, in every storm"
    more = board(np.stack([0.0 * storms, storms, 2.0 * storms, 3.0 * storms + [0.0, 0.0, 1.0]]))
    assert "do not tell" in more.verdict("bad_debt")


def test_one_of_a_thing_is_not_several() -> None:
    assert str(board(np.zeros((4, 1)))).startswith("2 loops, 4 subsets, 1 storm; 95 % intervals")
    assert str(board(np.zeros((4, 3)))).startswith("2 loops, 4 subsets, 3 storms; ")


def test_what_has_no_value_is_undefined_and_not_nothing() -> None:
    outcome = np.full((4, 3), np.nan)
    text = str(Switchboard(NAMES, (1, 2, 3), {"price_amplification": outcome, "bad_debt": outcome}))
    assert text.count("undefined") >= 2 * 6
    assert not re.search(r"  0 ", text)


def test_the_pictures_are_drawn_for_one_loop_and_for_several(millions) -> None:
    one = Switchboard(("impact",), (1, 2), dict.fromkeys(METRICS, np.array([[0.0, 0.0], [1.0, 2.0]])))
    for found in (millions, one):
        for draw in (loops_picture, interactions_picture):
            assert draw(found).png == draw(found).png
            assert draw(found).png.startswith(b"\x89PNG")


def test_what_no_run_defines_says_so_once_and_stands_apart_from_its_neighbour() -> None:
    text = str(board(np.full((4, 2), np.nan)))
    assert re.search(r"price impact +undefined in all 2 runs +undefined in all 2 runs$", text, re.MULTILINE), text
    assert "undefined (undefined" not in text

"""Kinds of shocks under isolated and portfolio margin: signs, controls, and phi* against a line by hand."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from experiments.paired import crossing, paired_difference
from experiments.shock_kinds import KINDS, SHARES, bad_debt, plot, run, storm_of
from experiments.venue_risk import DECOUPLING

SMALL = replace(DECOUPLING, traders=60)


@functools.cache
def debts(kind, size, storms=12):
    return bad_debt(storm_of(kind, size, SMALL), storms)


@functools.cache
def table():
    return run(sizes=(0.05, 0.3), shares=(0.0, 0.5, 1.0), storms=4, base=SMALL)


def test_the_shocks_are_what_their_names_say():
    assert storm_of("one market", 0.1).shocks == (-0.1, 0.0, 0.0, 0.0)
    assert storm_of("all together", 0.1).shocks == (-0.1,) * 4
    assert sum(storm_of("half against half", 0.1).shocks) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_at_equal_positions_pooling_leaves_less_bad_debt_whatever_the_kind(kind):
    alone, pooled = debts(kind, 0.3)
    assert alone.min() > 0.0
    assert paired_difference(pooled[:, 0], alone).high < 0.0


@pytest.mark.parametrize("kind", ["one market", "half against half"])
def test_offsets_that_are_spent_leave_more_when_they_fail(kind):
    alone, pooled = debts(kind, 0.15)
    assert paired_difference(pooled[:, -1], alone).low > 0.0
    star = crossing(SHARES, pooled, alone)
    assert 0.0 < star.value < 0.5


def test_a_common_shock_is_what_the_offsets_are_made_for():
    alone, pooled = debts("all together", 0.3)
    assert pooled[:, -1].mean() < alone.mean()
    assert not crossing(SHARES, pooled, alone).defined


def test_the_worst_shock_for_who_spends_is_half_against_half():
    spent = {kind: debts(kind, 0.15)[1][:, -1].mean() for kind in KINDS}
    assert spent["half against half"] > spent["one market"] > spent["all together"]


def test_bad_debt_grows_with_what_is_spent_and_with_the_shock():
    means = debts("half against half", 0.3)[1].mean(axis=0)
    assert (np.diff(means) > 0.0).all()
    found = table().set_index(["kind", "size"])
    for kind in KINDS:
        assert found.loc[(kind, 0.3), "isolated"] > found.loc[(kind, 0.05), "isolated"]


def test_the_published_contrast_of_a_shock_of_five_percent():
    """Half against half by 5 %: 1 bp under isolated margin, a thousand under portfolio margin that is all spent."""
    alone, pooled = bad_debt(storm_of("half against half", 0.05), 4)
    assert alone.mean() <= 1.0
    assert 500.0 < pooled[:, -1].mean() < 2_500.0


def test_the_table_has_a_row_a_kind_and_size_and_says_why_there_is_no_phi_star():
    found = table()
    assert list(zip(found["kind"], found["size"], strict=True)) == [(k, s) for k in KINDS for s in (0.05, 0.3)]
    for name in ("isolated", "kept", "spent"):
        assert ((found[f"{name}_low"] <= found[name]) & (found[name] <= found[f"{name}_high"])).all()
    none = found["phi_star"].isna()
    assert none.any() and (found.loc[none, "note"] != "").all()
    assert found.loc[~none, "phi_star"].between(0.0, 1.0).all()


def test_phi_star_is_where_two_lines_meet():
    alone = np.array([10.0, 30.0])
    pooled = np.outer([5.0, 15.0], [0.0, 2.0, 4.0, 6.0, 8.0])  # mean 10 * 2 phi * 4 against 20
    assert crossing(SHARES, pooled, alone).value == pytest.approx(0.25)


def test_the_picture_has_a_panel_a_kind_and_counts_its_storms():
    picture = plot(storms=2, base=SMALL)
    assert picture.png.startswith(b"\x89PNG") and "2 storms" in picture.caption and "15 %" in picture.caption

"""Metrics whose denominators differ from their neighbours', each in a storm small enough to be worked out on paper.

Marks start at 100 dollars; a unit needs 5 % of its mark; no impact unless the test says so, so that fills are at the
mark.
"""

import math

import pytest

from experiments.record.frames import bankruptcy_frame, series_frame
from tests.experiments.record.metric_cases import finished
from tests.experiments.storms import TIER, holder_of, one_market

NO_IMPACT = {"kind": "none"}


def falls(*sizes, market=None):
    """A fall by each of `sizes`, relative, in steps 1, 2, ...; 0 for none."""
    where = {} if market is None else {"market": market}
    return [{"step": i, "size": -size} | where for i, size in enumerate(sizes, 1) if size]


def scripted(*shocks):
    return {"kind": "scripted", "shocks": [one for part in shocks for one in part]}


def long(name, units, deposit, **more):
    """Somebody long `units` (a number of X, or a dictionary)."""
    held = units if isinstance(units, dict) else {"X": units}
    return {"kind": "book", "name": name, "count": 1, "units": held, "deposit": deposit} | more


def played(people, shocks, **changes):
    plain = {"price": scripted(shocks), "impact": NO_IMPACT, "deleveraging": {"kind": "off"}, "step_seconds": 600.0}
    return finished(one_market(people, **plain | changes))


# Bad debt and the fund ----------------------------------------------------------------------------------------

# To 80: A is short of 4 * 20 - 28 = 52 dollars and B of 2 * 20 - 10 = 30; to 60: D of 40 - 36 = 4.
DEBTORS = [long("A", 4.0, 28.0), long("B", 2.0, 10.0), long("D", 1.0, 36.0), long("rich", 1.0, 500.0)]
TWO_FALLS = falls(0.2, 0.25)
UNPAID = {"socialise_losses": False, "insurance_fund": 40.0}


@pytest.fixture(scope="module")
def debts():
    return played(DEBTORS, TWO_FALLS, **UNPAID)


def test_bad_debt_gross_net_and_relative(debts):
    _, values, _ = debts
    assert values["bad_debt"] == pytest.approx(86.0, abs=1e-4)
    assert values["insurance_draw"] == pytest.approx(40.0, abs=1e-4)
    assert values["bad_debt_net_of_fund"] == values["bad_debt_net_of_adl"] == pytest.approx(46.0, abs=1e-4)
    assert values["bad_debt_per_liquidated_notional"] == pytest.approx(86.0 / (4 * 80 + 2 * 80 + 60), abs=1e-6)
    assert values["bad_debt_per_open_interest"] == pytest.approx(86.0 / 800.0, abs=1e-6)
    assert values["largest_account_share_of_bad_debt"] == pytest.approx(52.0 / 86.0, abs=1e-6)
    assert values["trader_loss"] == pytest.approx(28.0 + 10.0 + 36.0 + 40.0, abs=1e-3)


def test_the_fund_is_empty_after_the_first_fall_and_short_of_what_both_need(debts):
    _, values, _ = debts
    assert (values["fund_depleted"], values["fund_seconds_to_depletion"]) == (1.0, 600.0)
    assert values["fund_deficit_at_depletion"] == pytest.approx(42.0, abs=1e-4), "82 less 40; the 4 come later"
    assert values["fund_needed"] == pytest.approx(86.0, abs=1e-4)
    assert values["fund_drawdown"] == pytest.approx(1.0)


def test_the_share_of_the_largest_debtor_adds_its_pools():
    """Isolated: pools of E lack 10 dollars in X and in Y, the one of F lacks 15: E owes 20 of 35."""
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    people = [long("E", {"X": 1.0, "Y": 1.0}, 20.0), long("F", 1.5, 15.0)]
    changes = {"markets": two, "margin": {"kind": "isolated"}, "insurance_fund": 1e3}
    model, values, _ = played(people, falls(0.2), **changes)
    assert [case.deficit for case in model.exchange.waterfall.bankruptcies] == pytest.approx([10.0, 10.0, 15.0])
    assert values["largest_account_share_of_bad_debt"] == pytest.approx(20.0 / 35.0)


def test_the_drawdown_counts_from_the_peak_at_that_time():
    # Step 1: Y falls to 50, V lacks 30 of 50 lost; the fund falls from 60 to 30. Step 2: X falls and twenty penalties
    # of 0.5 % of 386 dollars lift it above where it began.
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    people = [long("V", {"Y": 1.0}, 20.0), holder_of(4.0, 97.0, "A", count=20)]
    shocks = scripted(falls(0.5, market="Y"), [{"step": 2, "size": -0.035, "market": "X"}])
    _, values, _ = played(people, [], markets=two, price=shocks, insurance_fund=60.0)
    assert values["penalties"] == pytest.approx(20 * 0.005 * 386.0, abs=1e-3)
    assert values["end_fund"] == pytest.approx(30.0 + 38.6, abs=1e-3)
    assert values["fund_drawdown"] == pytest.approx(30.0 / 60.0), "half of what there was then"
    assert values["fund_depleted"] == 0.0


def test_a_peak_above_the_opening_balance_is_the_denominator():
    # Penalties of 1.93 dollars lift the fund to 101.93; then D lacks 4.
    people = [holder_of(4.0, 97.0, "A"), long("D", 1.0, 36.0)]
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": 60 / 96.5 - 1}]
    _, values, _ = played(people, shocks, insurance_fund=100.0)
    assert values["fund_drawdown"] == pytest.approx(4.0 / 101.93, rel=1e-5)
    assert values["fund_needed"] == pytest.approx(4.0 - 1.93, abs=1e-3), "the penalties came first"


# Auto-deleveraging --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taken():
    """S, short 10, gives up 52 and 30 dollars in step 1 out of 200, and 4 in step 2 of what its last four units won."""
    people = [*DEBTORS[:3], long("S", -10.0, 1_000.0)]
    return played(people, TWO_FALLS, deleveraging={"kind": "queue"})


def test_what_winners_give_up_is_held_against_what_they_had_won_before_the_first_fill_of_the_step(taken):
    _, values, _ = taken
    assert values["adl_deficit"] == values["adl_needed"] == pytest.approx(86.0, abs=1e-4)
    assert values["adl_executed"] == pytest.approx(86.0, abs=1e-4)
    # Six of ten units are closed in step 1; the four that are left have won 40 dollars each at 60.
    assert values["adl_capacity"] == pytest.approx(10 * 20.0 + 4 * 40.0)
    assert values["adl_max_haircut"] == pytest.approx(82.0 / 200.0, abs=1e-5)
    assert values["adl_winners"] == 1.0
    assert (values["adl_gini"], values["adl_hhi"]) == (pytest.approx(0.0), pytest.approx(1.0))
    assert values["adl_share"] == pytest.approx(1.0)
    assert values["adl_latency"] == 0.0


def test_bad_debt_that_winners_paid_is_left_to_nobody_else(taken):
    _, values, _ = taken
    assert values["bad_debt_net_of_fund"] == pytest.approx(86.0, abs=1e-4)
    assert values["bad_debt_net_of_adl"] == pytest.approx(0.0, abs=1e-4)
    assert values["adl_overshoot"] == values["adl_undershoot"] == 0.0


def test_one_winner_of_two_who_gives_up_three_times_as_much():
    # Pro rata: profits of 60 and 20 dollars; B's 30 are shared three to one.
    people = [DEBTORS[1], long("U", -3.0, 500.0), long("W", -1.0, 500.0)]
    _, values, _ = played(people, falls(0.2), deleveraging={"kind": "pro_rata"})
    assert values["adl_winners"] == 2.0
    assert values["adl_gini"] == pytest.approx(0.25, abs=1e-4)  # |3/4 - 1/4| / 2
    assert values["adl_hhi"] == pytest.approx(10.0 / 16.0, abs=1e-4)
    assert values["adl_max_haircut"] == pytest.approx(30.0 / 80.0, abs=1e-4)


def test_a_winner_in_two_markets_has_two_positions():
    # X takes 30 of the 100 dollars that S won there, Y 10 of 80: the largest haircut is that of X alone.
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    people = [DEBTORS[1], long("C", {"Y": 1.0}, 10.0), long("S", {"X": -5.0, "Y": -4.0}, 900.0)]
    _, values, _ = played(people, falls(0.2), markets=two, deleveraging={"kind": "queue"})
    assert values["adl_executed"] == pytest.approx(40.0, abs=1e-4)
    assert values["adl_capacity"] == pytest.approx(180.0)
    assert values["adl_max_haircut"] == pytest.approx(0.3, abs=1e-5)
    assert values["adl_winners"] == 1.0


# Liquidations -------------------------------------------------------------------------------------------------


def test_positions_are_told_apart_by_market_whatever_the_order_of_their_names():
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in ("Z", "A")]
    people = [long("z", {"Z": 1.0}, 12.0), long("a", {"A": 1.0}, 500.0), long("both", {"Z": 1.0, "A": 1.0}, 800.0)]
    changes = {"markets": two, "price": scripted(falls(0.1, market="Z"))}
    _, values, _ = played(people, [], **changes)
    assert values["liquidated_positions_share"] == pytest.approx(1.0 / 4.0)
    assert values["liquidated_share"] == pytest.approx(1.0 / 3.0)
    assert values["collateral_damage"] == values["cross_asset_contagion_share"] == 0.0


def test_shorts_count_among_those_who_held_something():
    rise = {"kind": "scripted", "shocks": [{"step": 1, "size": 0.2}]}
    people = [long("low", -1.0, 20.5), long("high", -1.0, 90.0), long("idle", {}, 5.0)]
    _, values, _ = played(people, [], price=rise)
    assert values["liquidated_share"] == values["liquidated_positions_share"] == pytest.approx(1.0 / 2.0)
    assert values["open_interest"] == pytest.approx(200.0), "the outside is long what both are short"


def test_tokens_are_held_and_no_open_interest():
    coin = {"name": "COIN", "depth": 1e7, "tiers": [TIER], "instrument": {"kind": "spot", "underlying": "X"}}
    perpetual = {"name": "X", "price": 100.0, "tiers": [TIER]}
    people = [long("a", 2.0, 100.0, collateral={"COIN": 1_000.0})]
    model, values, _ = played(people, falls(0.01), markets=[perpetual, coin])
    assert values["open_interest"] == pytest.approx(200.0)
    assert values["capital_efficiency"] == pytest.approx(200.0 / values["initial_margin"])
    series = series_frame(model, model.events, bankruptcy_frame(model))
    assert series["open_interest"].tolist() == pytest.approx([200.0, 198.0, 198.0, 198.0])


def test_a_pool_closed_in_two_steps_passes_its_liquidation_price_once():
    # 97 is passed at 96.50: half a dollar. In step 2 at 90 the rest is closed, five times as far beyond.
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": 90.0 / 96.5 - 1.0}]
    model, values, _ = played([holder_of(4.0, 97.0, "A")], shocks, liquidation=half, rounds_per_step=1)
    assert model.events["step"].tolist()[:2] == [1, 2]
    assert values["liquidation_overshoot"] == pytest.approx(0.5 / 97.0, rel=1e-5)
    assert values["liquidated_accounts"] == values["total_cascade_size"] == 1.0
    assert values["liquidated_notional"] > 2 * 96.5


def test_a_later_generation_keeps_its_notional_when_it_is_closed_in_parts():
    # A's 2 units move 96.50 to 95.50, B's single one to 95; in step 2, at 85 less 1.50, both close again.
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    per_unit = {"kind": "linear_units", "dollars_per_unit": 0.5}
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": 85.0 / 96.5 - 1.0}]
    people = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.6, "B")]
    changes = {"liquidation": half, "impact": per_unit, "rounds_per_step": 2, "steps": 2}
    model, values, _ = played(people, shocks, **changes)
    events = model.events
    mine = events["account"] == "B[0]"
    assert events.loc[mine, "step"].tolist()[:2] == [1, 2]
    assert events.loc[mine, "notional"].iloc[0] == pytest.approx(95.5)
    assert values["endogenous_cascade_size"] == 1.0
    assert values["endogenous_cascade_notional"] == pytest.approx(events.loc[mine, "notional"].sum())
    assert values["branching_ratio"] == pytest.approx(0.5)
    assert math.isclose(values["mean_cascade_size"], 2.0)

"""Money that follows performance, by hand: r = gain / wealth before it, R' = (1 - a) R + a r, b (R' - r_b) W flows."""

from typing import Any

import numpy as np
import pytest

from agents.group import GroupSpec, TraderGroup
from agents.managed_fund import ManagedFund
from agents.view import MarketView, Members
from simulation.arrays import Array
from simulation.model import MarketModel
from tests.venues import book, storm, venue

RICH = 1e6


class Kept(ManagedFund):
    """A fund that keeps what it holds, so that only prices and its investors change its wealth."""

    def open(self, members: Members, view: MarketView) -> Array:
        return np.zeros_like(members.position)

    def decide(self, members: Members, view: MarketView) -> Array:
        self.investors.follow()
        return np.zeros_like(members.position)


def fund(*path: float, reserve: float = RICH, count: int = 1, **terms: Any) -> tuple[MarketModel, TraderGroup]:
    """Funds of 1,000 dollars that hold ten units from 100; a = 1/2, b = 2, r_b = 0 unless a test says otherwise."""
    model = venue([book("other", {}, 1.0)], price=storm(*path))
    terms = {"performance_memory": 0.5, "flow_sensitivity": 2.0, "benchmark_return": 0.0, **terms}
    spec = GroupSpec("kept", "kept", count, deposit=1000.0, reserve=reserve, parameters=terms)
    group = TraderGroup(model, Kept, spec)
    model.exchange.clearing.open(group.rows, np.full((count, 1), 10.0))
    return model, group


def wealth(*path: float, **terms: Any) -> list[float]:
    """The equity of the fund at the end of every step."""
    model, group = fund(*path, **terms)
    found = []
    for _ in path[1:]:
        model.step()
        found.append(float(model.engine.health(group.rows).equity[0, 0]))
    return found


def closures(model: MarketModel, group: TraderGroup) -> int:
    while model.market.step < model.rules.steps:
        model.step()
    return group.rule.investors.closures


def test_a_gain_of_a_tenth_brings_a_tenth_of_the_wealth_in_one_step_later() -> None:
    """r = 100 / 1,000, R = 0.05, flow 0.1 * 1,100; then nothing is earned: R = 0.025, flow 0.05 * 1,210."""
    assert wealth(100.0, 110.0, 110.0, 110.0) == pytest.approx([1100.0, 1210.0, 1270.5], abs=1e-4)


def test_a_loss_of_a_tenth_takes_a_tenth_of_what_is_left_out() -> None:
    """R = -0.05, flow -0.1 * 900; then -0.05 * 810."""
    assert wealth(100.0, 90.0, 90.0, 90.0) == pytest.approx([900.0, 810.0, 769.5], abs=1e-4)


def test_investors_judge_the_marks_at_which_the_last_step_ended() -> None:
    """What the price does while they decide counts in the next step: (1,300 - 1,100) / 1,100 and a half of 0.05."""
    after = 1300.0 + 110.0
    memory = 0.5 * 0.05 + 0.5 * (200.0 / 1210.0)
    assert wealth(100.0, 110.0, 130.0, 130.0) == pytest.approx([1100.0, after, after * (1.0 + 2.0 * memory)], rel=1e-6)


def test_only_what_exceeds_the_benchmark_attracts_money() -> None:
    """2 (0.05 - 0.01) of 1,100 dollars are 88; at a benchmark of 0.05 nothing flows, at 0.06 22 dollars leave."""
    for benchmark, flow in ((0.01, 88.0), (0.05, 0.0), (0.06, -22.0)):
        assert wealth(100.0, 110.0, 110.0, benchmark_return=benchmark)[-1] == pytest.approx(1100.0 + flow, abs=1e-4)


def test_what_flows_in_is_bounded_by_the_reserve() -> None:
    assert wealth(100.0, 110.0, 110.0, reserve=50.0)[-1] == 1150.0


def test_investors_take_no_more_than_all_and_the_venue_keeps_the_margin() -> None:
    """b = 100 would take five times the wealth; 90 dollars of initial margin stay, and the fund is not ruined."""
    assert wealth(100.0, 90.0, 90.0, flow_sensitivity=100.0)[-1] == pytest.approx(90.0)
    assert closures(*fund(100.0, 90.0, 90.0, flow_sensitivity=100.0)) == 0


def test_a_fund_is_ruined_by_what_its_investors_take_out_too() -> None:
    """900 dollars would be enough for a share of 0.85, the 810 that are left are not."""
    assert closures(*fund(100.0, 90.0, 90.0, ruin_share=0.85)) == 1
    assert closures(*fund(100.0, 90.0, 90.0, ruin_share=0.80)) == 0
    assert closures(*fund(100.0, 90.0, 90.0, ruin_share=0.85, flow_sensitivity=0.0)) == 0


def test_exactly_at_the_share_a_fund_stays_open() -> None:
    """In binary fractions: 875 of 1,000, a return of -1/8, flow -1/8 of it: 49/64 are left."""
    for below, closed in ((0.0, 0), (2.0**-20, 1)):
        assert closures(*fund(100.0, 87.5, 87.5, ruin_share=49.0 / 64.0 + below)) == closed


def test_a_closed_fund_pays_out_and_another_one_begins_with_the_first_wealth_whatever_was_left() -> None:
    """810 of 900 dollars go when it closes at step 2; 90 stay as margin, and 910 come in two steps later."""
    path = 100.0, 90.0, 90.0, 90.0, 90.0, 90.0
    found = wealth(*path, ruin_share=0.95, return_after_steps=2)
    assert found == pytest.approx([900.0, 90.0, 90.0, 1000.0, 1000.0], abs=1e-4)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_it_is_closed_for_as_many_steps_as_it_says(after: int) -> None:
    model, group = fund(100.0, *[90.0] * 7, ruin_share=0.95, return_after_steps=after)
    shut = []
    for step in range(1, 8):
        model.step()
        if not group.rule.investors.active[0]:
            shut.append(step)
    assert shut == list(range(2, 2 + after))


def test_a_new_fund_is_not_judged_by_what_the_old_one_lost() -> None:
    """Nothing is earned after the first step, so nothing flows once the new fund is open."""
    found = wealth(100.0, *[90.0] * 6, ruin_share=0.95, return_after_steps=1)
    assert found[2:] == pytest.approx([1000.0] * 4, abs=1e-4)


def test_closures_are_counted_over_members_and_over_time() -> None:
    """All three close at 90; the new ones lose again at 70: 200 of 1,000 dollars."""
    path = 100.0, 90.0, 90.0, 90.0, 70.0, 70.0
    assert closures(*fund(*path, count=3, ruin_share=0.95, return_after_steps=1)) == 6


def test_asking_twice_in_one_step_judges_once() -> None:
    model, group = fund(100.0, 110.0, 110.0)
    model.step()
    model.market.advance()
    for _ in range(3):
        group.rule.investors.follow()
    assert group.rule.investors.performance.tolist() == pytest.approx([0.05])
    assert sum(float(paid.sum()) for _, paid in group.top_ups) == pytest.approx(110.0)


def test_members_have_investors_of_their_own_parameters() -> None:
    model, group = fund(100.0, 110.0, 110.0, count=2, flow_sensitivity=np.array([0.0, 4.0]))
    for _ in range(2):
        model.step()
    assert model.engine.health(group.rows).equity[:, 0].tolist() == pytest.approx([1100.0, 1100.0 + 220.0], abs=1e-4)


def test_a_fund_that_has_lost_everything_has_no_return_and_pays_nothing_out() -> None:
    """500 dollars below nothing it is closed by the venue, and made whole: wealth before the gain is 0."""
    model, group = fund(100.0, 100.0, 100.0, flow_sensitivity=0.0)
    model.accounts.transfer((group.rows, 0), (np.array([0]), 0), np.array([1500.0]), "withdrawal")
    model.step()
    model.market.advance()
    group.rule.investors.follow()
    assert group.rule.investors.performance.tolist() == [0.0]
    assert not group.withdrawals

"""The investors behind funds: money follows performance, ruined funds close and others open in their place."""

from typing import Any

import numpy as np

from simulation.arrays import Array, Mask, column_sum


class Investors:
    """What the investors of a group of funds do between two decisions of the funds.

        g = sum_i x_i (p_i - p'_i),   r = g / (W - g),   R' = (1 - a) R + a r,   flow = max(-1, b (R' - r_b)) W+

    W is wealth and p the marks at the end of the last step, x and p' holdings and marks a step before. a, b, r_b are
    the members' `performance_memory`, `flow_sensitivity` and `benchmark_return`. A fund whose wealth after the flow is
    below `ruin_share` of its first one closes: it wants to hold nothing, and pays out what is left; after
    `return_after_steps` steps new investors bring the first wealth in again. Money comes from the group's reserve and
    goes to the outside world, by the exchange's rules of deposits and withdrawals.
    Source: S. Thurner, J. D. Farmer & J. Geanakoplos, Quantitative Finance 12 (2012) 695-707, section 2.
    """

    def __init__(self, group: Any) -> None:
        """Stand behind all members of `group`, whose first wealth is what they have brought in."""
        self.group, self.step = group, -1
        self.first = group.deposited.copy()
        self.performance = np.zeros(group.count)
        self.returns = np.full(group.count, -1)  # the step in which a closed fund opens again; -1: it is open
        self.closures = 0
        self._held, self._mark = np.zeros((group.count, len(group.market.names))), group.market.mark_price

    @property
    def active(self) -> Mask:
        """Return which funds (count,) are open."""
        return self.returns < 0

    def follow(self) -> None:
        """Judge the funds by the last step, and ask the exchange to move money; once a step, however often asked."""
        if self.step == self.group.view.step:
            return
        members, view, started = self.group.members(slice(None)), self.group.view, self.step >= 0
        self.step, last = view.step, view.last_mark
        if started:
            wealth = members.equity + column_sum(members.position * (last - view.mark_price))
            self._move(members, wealth, self._judged(members, wealth, column_sum(self._held * (last - self._mark))))
        self._held, self._mark = members.position.copy(), last

    def _judged(self, members: Any, wealth: Array, gain: Array) -> Array:
        """Return the flow (count,) in dollars, of open funds."""
        base = wealth - gain
        earned = np.divide(gain, base, out=np.zeros_like(gain), where=base > 0.0)
        memory = members.performance_memory
        self.performance = np.where(self.active, (1.0 - memory) * self.performance + memory * earned, 0.0)
        rate = members.flow_sensitivity * (self.performance - members.benchmark_return)
        return np.where(self.active, np.maximum(rate, -1.0) * np.maximum(wealth, 0.0), 0.0)

    def _move(self, members: Any, wealth: Array, flow: Array) -> None:
        ruined = self.active & (wealth + flow < members.ruin_share * self.first)
        back = ~self.active & (self.returns <= self.step)
        self.closures += int(ruined.sum())
        self.returns = np.where(ruined, self.step + members.return_after_steps, np.where(back, -1, self.returns))
        self.performance[ruined | back] = 0.0
        flow = np.where(back, self.first - wealth, np.where(self.active, flow, -np.maximum(wealth, 0.0)))
        if (flow > 0.0).any():
            into = np.zeros_like(members.pool_equity)
            into[:, 0] = flow
            members.top_up(into)
        if (flow < 0.0).any():
            members.withdraw(-flow)

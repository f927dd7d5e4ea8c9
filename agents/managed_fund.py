"""What all funds have in common: investors behind them."""

from agents.investors import Investors
from agents.parameter import Parameter
from agents.trader import Trader


class ManagedFund(Trader):
    """A trader who works with others' money, which follows performance, see `agents.investors`.

    Without `flow_sensitivity` and `ruin_share` investors stay where they are. A type calls `self.investors.follow()`
    before it decides, and wants to hold nothing where they are not `active`.
    """

    performance_memory = Parameter(0.1, 0.0, 1.0, "weight of the last step's return in the performance, a")
    flow_sensitivity = Parameter(0.0, 0.0, 1e3, "share of wealth that flows in per unit of excess performance, b")
    benchmark_return = Parameter(0.005, -1.0, 1.0, "performance a step at which nothing flows, r_b")
    ruin_share = Parameter(0.0, 0.0, 1.0, "share of its first wealth below which a fund closes")
    return_after_steps = Parameter(100, 1, 1_000_000, "steps after which another one opens in its place", whole=True)

    _investors: Investors | None = None

    @property
    def investors(self) -> Investors:
        """Return those behind the whole group."""
        first = self.group.agent(0)
        if first._investors is None:
            first._investors = Investors(self.group)
        return first._investors

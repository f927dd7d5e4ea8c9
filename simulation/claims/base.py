"""The claims rule: debts between accounts, and how they are settled on the day they fall due."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.claims.clearing import Debts, Recovery, Solution
from simulation.random import Streams
from simulation.rule import Rule


class ClaimsRule(Rule):
    """Debts between accounts, all due at `due_step`.

    On that day, before trading and liquidations, all debts are cleared at once at the marks of the day. Outside money
    of an account is the equity of its shared pool; margin ignores claims until then. Where an account cannot pay, a
    defaulter's creditors share what `outside_recovery_rate` and `claims_recovery_rate` leave of its money and of its
    claims in proportion to what they are owed; the rest of it is the cost of the default and leaves the market.
    `funded`: the debts are loans made at the start, so lenders' cash went to borrowers and capital is the deposit; else
    they are debts of old.
    """

    exists: ClassVar[bool] = True
    due_step: int = Field(1, ge=1, le=10_000_000, description="step at which all debts are paid")
    outside_recovery_rate: float = Field(1.0, ge=0.0, le=1.0, description="of a defaulter's own money, alpha")
    claims_recovery_rate: float = Field(1.0, ge=0.0, le=1.0, description="of what a defaulter receives, beta")
    solution: Solution = Field("greatest", description="which clearing vector, where default costs make several")
    funded: bool = Field(True, description="true: lent at the start, in cash")

    @property
    def recovery(self) -> Recovery:
        """Return what a default leaves."""
        return Recovery(self.outside_recovery_rate, self.claims_recovery_rate, self.solution)

    def debts(self, counts: Mapping[str, int], streams: Streams) -> Debts:
        """Return the debts among the members of groups of `counts` members, numbered in the order of the groups."""
        raise NotImplementedError

    def problems(self, counts: Mapping[str, int], steps: int) -> Iterator[str]:
        """Yield what does not fit the groups and the `steps` of a run."""
        if self.due_step > steps:
            yield f"due_step: {self.due_step} is after the last step {steps}"


def numbered(counts: Mapping[str, int]) -> dict[str, Index]:
    """Return the numbers of the members of each group, counted in the order of `counts`."""
    ends = np.cumsum([0, *counts.values()])
    return {name: np.arange(ends[i], ends[i + 1]) for i, name in enumerate(counts)}


def table(parties: int, debtor: Index, creditor: Index, dollars: Array) -> Debts:
    """Return debts; those that are 0 are left out."""
    kept = dollars > 0.0
    return Debts(parties, debtor[kept], creditor[kept], dollars[kept])

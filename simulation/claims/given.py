"""Claims as they are stated."""

import re
from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import Field

from simulation.claims.base import ClaimsRule, numbered, table
from simulation.claims.clearing import Debts
from simulation.errors import nearest, shown
from simulation.random import Streams
from simulation.strict import Strict

_MEMBER = re.compile(r"(?P<group>[A-Za-z0-9][A-Za-z0-9_.-]*)(\[(?P<number>\d{1,9})\])?")


class Debt(Strict):
    """One debt. Parties are members of groups, "banks[3]", or the group itself where it has one member."""

    debtor: str = Field(min_length=1, max_length=80)
    creditor: str = Field(min_length=1, max_length=80)
    dollars: float = Field(ge=0.0, le=1e12, description="owed")


class GivenClaims(ClaimsRule):
    """Debts one by one: `debtor` owes `creditor` so many `dollars`; several between the same two add up."""

    kind = "given"
    debts_owed: tuple[Debt, ...] = Field((), max_length=100_000, description="the debts")

    def debts(self, counts: Mapping[str, int], streams: Streams) -> Debts:
        """Return the debts that are stated."""
        place = numbered(counts)
        ends = np.array([[self._place(name, place) for name in (d.debtor, d.creditor)] for d in self.debts_owed])
        ends = ends.reshape(-1, 2).astype(np.intp)
        return table(sum(counts.values()), ends[:, 0], ends[:, 1], np.array([d.dollars for d in self.debts_owed]))

    def problems(self, counts: Mapping[str, int], steps: int) -> Iterator[str]:
        """Yield parties that do not exist, and debts to oneself."""
        yield from super().problems(counts, steps)
        for i, debt in enumerate(self.debts_owed):
            where = f"debts_owed[{i}]"
            wrong = [f"{where}.{end}: {self._wrong(getattr(debt, end), counts)}" for end in ("debtor", "creditor")]
            yield from (line for line in wrong if not line.endswith(": "))
            if debt.debtor == debt.creditor:
                yield f"{where}.creditor: must be somebody else than the debtor (got {shown(debt.creditor)})"

    @staticmethod
    def _place(name: str, place: Mapping[str, np.ndarray]) -> int:
        found = _MEMBER.fullmatch(name)
        assert found is not None
        return int(place[found["group"]][int(found["number"] or 0)])

    @staticmethod
    def _wrong(name: str, counts: Mapping[str, int]) -> str:
        found = _MEMBER.fullmatch(name)
        group = found["group"] if found else name
        if found is None or group not in counts:
            return f"{shown(name)} is no member of a group; groups: {', '.join(counts)}{nearest(group, counts)}"
        if found["number"] is None:
            return "" if counts[group] == 1 else f"name one of the {counts[group]} members, as {group}[0]"
        return "" if int(found["number"]) < counts[group] else f"{group} has {counts[group]} members, 0 the first"

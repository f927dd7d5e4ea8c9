"""The benchmark of the contagion graph: what it runs is what it says, and every part is timed."""

import pytest

from experiments.bench.graph import crash, table
from experiments.graph.anatomy import anatomy
from experiments.run import run


@pytest.mark.parametrize("closings", [60, 333])
def test_the_crash_closes_every_pool_once_and_a_tenth_in_two_markets(closings):
    result = run(crash(closings))
    seen = anatomy(result)
    assert len(seen.forest) == len(seen.closings) == closings
    assert result.events["account"].nunique() == closings
    double = result.events.loc[result.events["group"] == "both", "account"]
    assert len(result.events) == closings + double.nunique()
    assert 0.05 <= double.nunique() / closings <= 0.2
    assert not seen.forest.continues.any()
    assert seen.forest.depths.max() > 2


def test_every_part_has_a_line_with_its_seconds_and_the_last_is_their_sum():
    said: list[str] = []
    seconds = table(60, said.append)
    assert "66 forced trades, 60 pools" in said[0]
    assert [line.rsplit(None, 1)[0].strip() for line in said[1:]] == [*seconds, "in all"]
    assert float(said[-1].split()[-1]) == pytest.approx(sum(seconds.values()), abs=0.011)
    assert {"graph", "centralities", "communities", "who hits whom"} <= set(seconds)

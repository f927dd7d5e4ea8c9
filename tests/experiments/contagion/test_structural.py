"""The structural branching ratio: a mean over storms that says where nobody was near liquidation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.cli import execute
from experiments.contagion.ratios import radius_before, structural
from experiments.run import run
from tests.experiments.storms import holder_of, one_market

RADIUS = st.floats(0.0, 3.0)


@given(st.lists(RADIUS, min_size=1, max_size=8))
def test_it_is_the_mean_of_the_radii_and_counts_the_empty_ones(radii) -> None:
    found, empty = structural(radii), radii.count(0.0)
    assert found.value == pytest.approx(np.mean(radii))
    said = f"in {empty} of {len(radii)} a move of 1 % would set off nothing that feeds back"
    assert (said in found.reason) == (empty > 0)


def test_a_reason_for_no_interval_is_kept_beside_it() -> None:
    assert "one run has no spread" in structural([0.0]).reason
    assert "; in 1 of 1 " in structural([0.0]).reason
    assert structural([0.5, 0.7]).reason == ""


def test_a_book_far_from_its_thresholds_says_so(tmp_path, capsys) -> None:
    scenario = one_market([holder_of(2.0, 50.0, "A")], price={"kind": "flat"})
    assert radius_before(run(scenario)) == 0.0
    path = tmp_path / "far.toml"
    assert execute(["new", str(path)]) == 0
    capsys.readouterr()
    assert execute(["contagion", str(path)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  structural"))
    assert ("set off nothing that feeds back" in line) == line.startswith("  structural     0 ")

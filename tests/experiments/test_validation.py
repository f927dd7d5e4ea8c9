"""All validation targets in one table, and the bootstrap interval against a plain reading of its formula."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from experiments.statistics import RESAMPLES, bca_interval, resample
from experiments.theory import validate

NORMAL = NormalDist()


@pytest.fixture(scope="module")
def found():
    return validate(effort=0.002, seed=3)


def test_every_target_is_in_the_table_with_its_checks(found):
    targets = list(dict.fromkeys(found["target"]))
    expected = ["T1", "T7", "T11", "T11", "T5", "T8", "T4", "T4", "T4", "T4", "A20", "A21", "A21"]
    assert [target.split()[0] for target in targets] == expected
    assert not found.duplicated(["target", "check"]).any()
    assert {"expected", "simulated", "standard_error", "tolerance", "passed"} <= set(found.columns)


def test_every_target_passes_with_little_effort(found):
    failed = found[~found["passed"]]
    assert failed.empty, failed.to_string()


def test_a_check_passes_if_and_only_if_it_lies_within_its_tolerance(found):
    off = (found["simulated"] - found["expected"]).abs()
    assert ((off <= found["tolerance"] + 1e-9) == found["passed"]).all()


def test_exact_identities_have_no_standard_error_and_small_tolerances(found):
    exact = found[found["target"].str.startswith("T11")]
    assert (exact["standard_error"] == 0.0).all()
    assert (exact["tolerance"] < 1.0).all()


def plain_bca(values, level=0.95):
    """Efron's interval of the mean, step by step, with the widening of Hesterberg, for `values` in any order."""
    from scipy.stats import t

    n, values = len(values), sorted(values)
    draws = sorted(resample(np.array(values), lambda rows: rows.mean(axis=1), 4).tolist())
    mean = sum(values) / n
    below = (sum(x < mean for x in draws) + sum(x <= mean for x in draws)) / (2 * len(draws))
    bias = NORMAL.inv_cdf(below)
    jackknife = [(sum(values) - x) / (n - 1) for x in values]
    centre = sum(jackknife) / n
    acceleration = sum((centre - x) ** 3 for x in jackknife) / (6 * sum((centre - x) ** 2 for x in jackknife) ** 1.5)
    reach = math.sqrt(n / (n - 1)) * t.ppf((1 + level) / 2, n - 1)
    ends = []
    for side in (-reach, reach):
        shifted = bias + side
        tail = NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))
        ends.append(float(np.quantile(draws, tail)))
    return ends, acceleration


@pytest.mark.parametrize("tail", [1.0, 3.0, 8.0])
def test_the_bootstrap_interval_is_that_of_its_formula(tail):
    values = np.exp(np.linspace(-1.0, 1.0, 10) * tail / 2.0)
    (low, high), acceleration = plain_bca(values.tolist())
    assert acceleration > 0.0
    assert bca_interval(values, lambda rows: rows.mean(axis=1), 4) == pytest.approx(
        (low, high), rel=1e-3
    )  # of equal draws rounding decides


def test_the_bootstrap_draws_as_often_as_it_says():
    assert len(resample(np.arange(3.0), lambda rows: rows.mean(axis=1), 1)) == RESAMPLES

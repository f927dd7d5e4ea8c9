"""The bootstrap interval against a plain reading of its formula."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from experiments.statistics import RESAMPLES, bca_interval, resample

NORMAL = NormalDist()


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

"""The heat map: every cell its number, nobody lost, one size for one run and for many."""

import numpy as np
import pandas as pd
import pytest

from experiments.graph.hits import who_hits_whom
from experiments.graph.hits_picture import MOST_CLASSES, OTHERS, _cells, _kept, _merged, hits_picture
from experiments.run import run
from tests.experiments.graph.test_hits import two_markets
from tests.experiments.storms import branching, by_hand


def table(value):
    names = [f"g{i}" for i in range(len(value))]
    return pd.DataFrame(value, names, names)


def test_the_caption_has_the_sum_and_what_crossed():
    result = run(two_markets("cross"))
    value = who_hits_whom(result).to_numpy()
    text = hits_picture([result]).caption
    crossed = 100.0 * (value.sum() - np.trace(value)) / value.sum()
    assert text.startswith("One run.")
    assert f"{crossed:.1f} % of it across classes" in text
    assert "0.0 % of it across classes" in hits_picture([run(two_markets("isolated"))]).caption


def test_several_runs_are_averaged_and_have_intervals():
    runs = [run(two_markets("cross", seed)) for seed in (1, 2, 3)]
    assert hits_picture(runs).caption.startswith("Mean over 3 storms, in brackets its 95 % interval.")
    cells = _cells(np.array([[2.0e3, 0.0], [1.0e3, 5.0]]), np.ones((2, 2, 2)) * 1e3)
    assert cells == [["2\n[1, 1]\n67 %", "0"], ["1\n[1, 1]\n33 %", "0.005\n[1, 1]\n100 %"]]


def test_a_column_that_some_sales_helped_has_no_shares_and_large_numbers_no_exponents():
    cells = _cells(np.array([[-12.3, 5.0], [1.0, 7.0]]), np.array([np.full((2, 2), -1e4), np.full((2, 2), 1630.0)]))
    assert cells[0][0].split("\n") == ["-12.3", "[-10,000, 1,630]"]
    assert cells[1][1].endswith("58 %")


def test_shares_too_small_to_round_are_not_called_zero():
    assert _cells(np.array([[1.0, 0.0], [999.0, 0.0]]), None)[0][0] == "1\n< 1 %"


def test_the_busiest_classes_are_shown_and_the_rest_are_one_with_every_dollar_kept():
    value = np.random.default_rng(1).uniform(1.0, 2.0, (15, 15))
    value[7] = value[:, 7] = 50.0
    kept = _kept(table(value))
    assert len(kept) == MOST_CLASSES and kept[-1] == OTHERS and "g7" in kept
    assert _merged(table(value), kept).sum() == pytest.approx(value.sum())


def test_classes_without_a_dollar_are_left_out_unless_there_is_none():
    value = np.zeros((3, 3))
    assert _kept(table(value)) == ["g0", "g1", "g2"]
    value[0, 2] = 1.0
    assert _kept(table(value)) == ["g0", "g2"]
    assert _merged(table(value), ["g0", "g2"]).tolist() == [[0.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("by", ["market", "group", "kind"])
def test_every_class_and_a_calm_run_can_be_drawn_and_twice_the_same(by):
    for scenario in (by_hand(price={"kind": "flat"}), branching(1)):
        result = run(scenario)
        picture = hits_picture([result], by)
        assert picture.png[:8] == b"\x89PNG\r\n\x1a\n"
        assert picture.png == hits_picture([result], by).png
    assert "nothing was lost to forced sales" in hits_picture([run(by_hand(impact={"kind": "none"}))], by).caption

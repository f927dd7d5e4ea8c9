"""Who hits whom, regime beside regime: the cells hold the numbers of the table, however many markets there are."""

from dataclasses import replace

import numpy as np
import pytest

from experiments import figures_hits
from experiments.figures_hits import COLUMNS, MOST_MARKETS, OTHERS, hits
from experiments.venue_presets import venue_names
from experiments.verdict import Outcomes
from tests.experiments.comparisons import MARKETS, by_hand, tiny, tiny_comparison
from tests.experiments.test_figures_drawn import drawn


class Made:
    """As much of a comparison as the picture looks at."""

    def __init__(self, outcomes):
        self.outcomes, self.scenario, self.seeds = outcomes, outcomes.scenario, outcomes.seeds


def made(matrix, storms=10, **plan):
    """A comparison with the same `matrix` (m, m) of dollars under every regime, times 1, 2, ... by storm."""
    outcomes = by_hand(seeds=storms)
    count = len(matrix)
    names = [*(name for name, *_ in MARKETS), *(f"M{i}" for i in range(count))][:count]
    scenario = tiny(markets=[{"name": name, "price": 10.0, "depth": 1e9} for name in names], price={"kind": "flat"})
    every = np.arange(1.0, storms + 1.0)[:, None, None] * np.asarray(matrix, float)
    plan = replace(outcomes.plan, **plan)
    return Made(Outcomes(scenario, plan, outcomes.seeds, {}, dict.fromkeys(plan.arms(scenario), every)))


def panels(comparison):
    (figure,) = drawn(figures_hits, lambda: hits(comparison))
    return [axis for axis in figure.axes if axis.axison], figure


def cells(axis):
    return [text.get_text() for text in axis.texts]


def test_the_cells_hold_mean_and_interval_of_the_table():
    comparison = tiny_comparison()
    found, figure = panels(comparison)
    scale = {"thousand": 1e3, "million": 1e6}[figure.get_supxlabel().split("$ ")[1].split()[0]]
    table = comparison.hits
    for axis in found:
        regime, design = axis.get_title(loc="left").splitlines()[0].split(", ")
        rows = table[(table["regime"] == regime) & (table["design"] == design) & (table["from"] != "")]
        assert len(cells(axis)) == len(rows) == 9
        for text, row in zip(cells(axis), rows.to_dict("records"), strict=True):
            shown = [float(part.strip("[,]").replace(",", "")) for part in text.splitlines()]
            known = [row["mean"] / scale, row["low"] / scale, row["high"] / scale]
            assert shown == pytest.approx(known[: len(shown)], rel=0.06, abs=0.005)
            assert len(shown) == 3 or not any(known)


def test_isolated_margin_shows_plain_zeros_off_the_diagonal():
    found, _ = panels(tiny_comparison())
    isolated = cells(found[0])
    assert [isolated[i] for i in (1, 2, 3, 5, 6, 7)] == ["0"] * 6
    assert found[0].get_title(loc="left").endswith("across markets: 0")


def test_every_regime_and_design_has_its_panel_and_its_sum():
    found, figure = panels(made([[1e3, 2e3], [0.0, 4e3]]))
    titles = [axis.get_title(loc="left").splitlines() for axis in found]
    designs = ("equal positions", "equal utilisation")
    assert [first for first, _ in titles] == [
        f"{r}, {d}" for d in designs for r in ("isolated", "cross", "portfolio")
    ]
    assert all(second.startswith("across markets: 11 [") for _, second in titles)  # 2,000 x 5.5 in thousands
    assert "$ thousand a storm" in figure.get_supxlabel()
    assert figure.get_supylabel() == "market of the forced sales"


def test_many_markets_are_shown_as_the_busiest_and_the_rest_as_one():
    matrix = np.diag(np.arange(8.0)) * 1e3
    matrix[0, 1] = 500.0  # neither is among the busiest four
    comparison = made(matrix)
    found, _ = panels(comparison)
    names = [label.get_text() for label in found[0].get_xticklabels()]
    assert len(names) == MOST_MARKETS and names[-1] == OTHERS
    assert names[:-1] == list(comparison.scenario.names)[4:]
    rest = 5.5 * (0 + 1 + 2 + 3 + 0.5)  # thousand
    assert float(cells(found[0])[-1].splitlines()[0]) == pytest.approx(rest, rel=0.06)
    assert "the 4 busiest of 8 markets, the rest as one" in hits(comparison).caption


def test_few_markets_are_all_shown():
    comparison = made(np.eye(MOST_MARKETS) * 1e3)
    names = [label.get_text() for label in panels(comparison)[0][0].get_xticklabels()]
    assert names == list(comparison.scenario.names)
    assert "the rest as one" not in hits(comparison).caption


def test_more_regimes_than_columns_go_on_in_the_next_row():
    venues = tuple(venue_names()[:4])
    found, figure = panels(made([[1e3]], regimes=venues, designs=("equal positions",)))
    assert [axis.get_title(loc="left").split(",")[0] for axis in found] == list(venues)
    assert len({round(axis.get_position().x0, 2) for axis in found}) == COLUMNS
    assert len({round(axis.get_position().y0, 2) for axis in found}) == 2
    hidden = [axis for axis in figure.axes if not axis.axison]
    assert len(hidden) == 2 * COLUMNS - len(venues)


def test_nothing_at_all_is_drawn_as_zeros():
    found, _ = panels(made(np.zeros((3, 3))))
    assert all(cells(axis) == ["0"] * 9 for axis in found)


def test_one_storm_has_question_marks_for_an_interval():
    found, _ = panels(made([[2e3]], storms=1))
    assert cells(found[0]) == ["2\n[?,\n?]"]


def test_what_is_little_is_told_from_nothing():
    found, figure = panels(made([[1e6, 1.0], [0.0, 0.0]]))
    assert cells(found[0])[1] == "0.00\n[0.00,\n0.00]"
    assert cells(found[0])[2] == "0"
    assert "$ million" in figure.get_supxlabel()


def test_what_crossed_counts_markets_that_are_drawn_as_one():
    matrix = np.diag(np.arange(10.0, 18.0)) * 1e3
    matrix[0, 1] = 2e3  # both are among the rest
    found, _ = panels(made(matrix))
    assert found[0].get_title(loc="left").splitlines()[1].startswith("across markets: 11 [")

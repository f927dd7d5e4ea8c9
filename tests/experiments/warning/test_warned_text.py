"""What `crossmargin warn` says of a radius of 0, of how often a book was unstable, and for which way of prices."""

import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.warning.outcome import WarnedBook
from experiments.warning.warned import Warned, form_of, warn, warning_picture
from experiments.wording import dollars

BOOK = WarnedBook(accounts=400, markets=2, types=4)


@pytest.fixture(scope="module")
def wild() -> Warned:
    return warn(BOOK.at_radius(1.3).scenario(), BOOK.window)


def with_radii(told: Warned, down: list[float], up: list[float]) -> Warned:
    rows = told.readings.iloc[:2].assign(radius_down=down, radius_up=up)
    return replace(told, readings=rows)


def test_a_radius_of_nothing_says_that_nobody_is_near() -> None:
    far = {"kind": "book", "name": "F", "count": 4, "units": {"M0": 1.0}, "deposit": 90.0}
    calm = BOOK.scenario().with_(population=[far], price={"kind": "flat"})
    text = str(warn(calm, 0.02))
    assert text.startswith("spectral radius: 0 at the start (a move of 2 % would liquidate nobody), 0 at most")
    assert "never unstable" in text


def test_a_radius_above_nothing_says_no_such_thing(wild) -> None:
    assert "would liquidate nobody" not in str(wild)


@pytest.mark.parametrize(
    ("down", "up", "said"),
    [
        ([0.2, 0.4], [0.1, 0.9], None),
        ([1.0, 0.4], [0.1, 0.1], "from step 0, in 1 of 2 readings"),
        ([0.2, 0.4], [0.1, 1.9], "from step 1, in 1 of 2 readings"),
        ([1.2, 0.4], [0.1, 1.9], "from step 0, in 2 of 2 readings"),
    ],
)
def test_the_text_counts_the_readings_that_were_unstable(wild, down, up, said) -> None:
    text = str(with_radii(wild, down, up))
    assert ("never unstable" in text) == (said is None)
    assert said is None or f"unstable (no cascade size is predicted) {said}\n" in text


@pytest.mark.parametrize(
    ("alarm", "forced", "said"),
    [
        (None, [0.0, 0.0], "no forced trade\n"),
        (0, [0.0, 5.0], "first forced trade in step 1, 1 step after the first alarm\n"),
        (0, [0.0, 0.0, 5.0], "first forced trade in step 2, 2 steps after the first alarm\n"),
        (1, [0.0, 5.0], "first forced trade in step 1, without an alarm before it\n"),
        (None, [0.0, 5.0], "first forced trade in step 1, without an alarm before it\n"),
    ],
)
def test_a_miss_is_told_as_one(wild, alarm, forced, said) -> None:
    # read at the end of a step: an alarm in the step of the trade came after it
    radii = [2.0 if step == alarm else 0.5 for step in (0, 1)]
    told = replace(with_radii(wild, radii, [0.0, 0.0]), forced=np.array(forced))
    assert said in str(told)


def test_the_matrix_is_named_by_the_way_of_prices_it_was_read_for(wild) -> None:
    assert re.search(r"contagion matrix at step \d+ for falling prices,", str(wild))
    assert "at step 1 for rising prices," in str(with_radii(wild, [0.2, 0.4], [0.1, 0.9]))
    assert "at step 0 for falling prices," in str(with_radii(wild, [0.9, 0.4], [0.1, 0.8]))


def test_no_two_of_eighteen_markets_are_drawn_alike_in_grey() -> None:
    names = tuple(f"M{k}" for k in range(18))
    forms = [form_of(name, names) for name in names]
    assert len({(str(form["ls"]), form["lw"]) for form in forms}) == 18


def test_the_picture_of_many_markets_is_drawn() -> None:
    many = warn(WarnedBook(accounts=400, markets=8, types=4).scenario(), 0.03)
    assert warning_picture(many).png.startswith(b"\x89PNG")


def test_without_impact_it_is_not_said_that_nobody_is_near() -> None:
    """The same book, whose sales move no price: many would be liquidated, and nothing comes of it."""
    text = str(warn(BOOK.at_radius(0.9).scenario().with_(impact={"kind": "none"}), BOOK.window))
    assert "would liquidate nobody" not in text
    assert text.startswith("spectral radius: 0 at the start (a move of ")
    assert "would set off nothing that feeds back), 0 at most" in text
    assert "no class of accounts endangers another through prices" in text


def test_what_is_nothing_is_not_told_as_an_amount() -> None:
    far = {"kind": "book", "name": "F", "count": 4, "units": {"M0": 1.0}, "deposit": 90.0}
    calm = BOOK.scenario().with_(population=[far], price={"kind": "flat"}, impact={"kind": "none"})
    text = str(warn(calm, 0.02)).splitlines()
    assert "forced volume: $0 in all" in text
    assert text[-2:] == [
        "a fall of all marks by 1 % then forces nothing out",
        "no class of accounts endangers another through prices",
    ]


def test_the_fall_and_the_class_are_told_in_amounts(wild) -> None:
    text, last = str(wild), wild.classes.loc[wild.classes["debt_rank"].idxmax()]
    top = wild.readings.iloc[int(np.argmax(wild.radius))]
    assert f"forces out {dollars(top['first_sales'])} at once\nwhat that grows to has no number" in text
    assert f"in full distress the class {last['class']} would put {100.0 * last['debt_rank']:.3g} % of all" in text
    assert text.endswith(f"the others {dollars(abs(last['indirect_contagion']))}")
    calm = wild.readings.assign(radius_down=0.5, radius_up=0.0, first_sales=1_234.0, predicted_sales=2_468.0)
    assert "forces out $1.23 thousand at once\nand $2.47 thousand with all" in str(replace(wild, readings=calm))


def test_a_negative_number_of_the_matrix_is_explained(wild) -> None:
    said = " (negative: bought where the row's is sold, or sold where it is bought):\n"
    assert said not in str(wild)
    assert said in str(replace(wild, matrix=wild.matrix - 2.0 * wild.matrix.max()))


def test_a_quiet_run_shows_no_scale_of_nothing(wild) -> None:
    quiet = warning_picture(replace(wild, forced=np.zeros_like(wild.forced)))
    assert quiet.png != warning_picture(wild).png
    calm = {"readings": wild.readings.assign(radius_down=0.0, radius_up=0.0), "forced": np.zeros_like(wild.forced)}
    assert warning_picture(replace(wild, **calm)).png.startswith(b"\x89PNG")

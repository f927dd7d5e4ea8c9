"""The strict base: nothing is guessed, nothing is lost, whole numbers are welcome where any number is."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from simulation.strict import Strict, leaves, refuse_guesses


class Form(Strict):
    """A form with one field of each form."""

    whole: int = 1
    number: float = 1.0
    maybe: float | None = None
    switch: bool = False
    text: str = ""
    pair: tuple[int, float] = (1, 1.0)
    series: tuple[float, ...] = ()
    text_or_number: float | str = 0.0
    bounded: Annotated[float, Field(gt=0.0)] = 1.0


def refusal(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Form(**fields)
    assert caught.value.error_count() == 1
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": "5"}, 'must be a number (got text "5"); hint: remove the quotes'),
        ({"number": " 5 "}, 'must be a number (got text " 5 "); hint: remove the quotes'),
        ({"number": "5%"}, 'must be a number (got text "5%"); hint: 0.05'),
        ({"number": "20x"}, 'must be a number (got text "20x"); hint: 20'),
        ({"number": "1,000"}, 'must be a number (got text "1,000"); hint: 1000'),
        ({"number": "1_000"}, 'must be a number (got text "1_000"); hint: 1000'),
        ({"number": "ten"}, 'must be a number (got text "ten")'),
        ({"number": True}, "must be a number (got true)"),
        ({"number": False}, "must be a number (got false)"),
        ({"whole": 100.0}, "must be a whole number (got 100.0); hint: write it without a point"),
        ({"whole": "100"}, 'must be a whole number (got text "100"); hint: remove the quotes'),
        ({"whole": True}, "must be a whole number (got true)"),
        ({"maybe": "none"}, 'must be a number (got text "none")'),
        ({"bounded": "1"}, 'must be a number (got text "1"); hint: remove the quotes'),
        ({"pair": [1, "2"]}, 'must be a number (got text "2"); hint: remove the quotes'),
        ({"pair": [1.0, 2]}, "must be a whole number (got 1.0); hint: write it without a point"),
        ({"series": [1, 2, True]}, "must be a number (got true)"),
    ],
)
def test_what_would_only_be_a_number_after_a_conversion_is_refused(fields: dict[str, Any], message: str) -> None:
    assert refusal(**fields) == message


def test_a_whole_number_is_welcome_where_any_number_is() -> None:
    form = Form(number=5, maybe=3, pair=(2, 4), series=(1, 2.5), bounded=2)
    assert (form.number, form.maybe, form.pair, form.series) == (5.0, 3.0, (2, 4.0), (1.0, 2.5))
    assert isinstance(form.number, float)


def test_text_stays_text_where_text_is_allowed_and_a_switch_stays_a_switch() -> None:
    form = Form(text="5", text_or_number="5", switch=True)
    assert (form.text, form.text_or_number, form.switch) == ("5", "5", True)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(value: float) -> None:
    assert "finite" in refusal(number=value)


def test_unknown_fields_are_refused_and_known_ones_cannot_be_changed() -> None:
    assert "Extra inputs" in refusal(colour="red")
    with pytest.raises(ValidationError, match="frozen"):
        Form().number = 2.0  # type: ignore[misc]


def test_a_fraction_for_a_whole_number_is_left_to_the_usual_message() -> None:
    assert "fractional part" in refusal(whole=1.5)


def test_short_lists_are_looked_into_and_long_ones_are_not() -> None:
    refuse_guesses([1.0] * 1001 + ["x"], tuple[float, ...])
    with pytest.raises(Exception, match="must be a number"):
        refuse_guesses([1.0] * 999 + ["x"], tuple[float, ...])


def test_the_leaves_of_an_annotation_are_the_members_of_its_unions() -> None:
    assert leaves(float) == [float]
    assert leaves(float | None) == [float, type(None)]
    assert leaves(Annotated[float | Annotated[int, "tag"], "other"]) == [float, int]
    assert leaves(tuple[float, ...]) == [tuple[float, ...]]

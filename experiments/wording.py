"""Numbers and estimates in the words of the verdict: sensible units, and never 0 % for what was not seen."""

import math
from collections.abc import Iterable

from experiments.measures import COUNT, DOLLARS, PERCENT, PROBABILITY, TIMES, Measure
from experiments.statistics import Estimate
from experiments.verdict import Cell

MINUS = "-"
FEW = 3  # up to so many storms a share says nothing, seen or not
_SCALES = ((1e9, "$ bn"), (1e6, "$ million"), (1e3, "$ thousand"))
_UNITS = {PERCENT: "%", PROBABILITY: "%", COUNT: "", TIMES: "x"}


def dollar_scale(values: Iterable[float]) -> tuple[float, str]:
    """Return (dollars per unit, its name) such that the largest of `values` has one to three digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return next(((scale, name) for scale, name in _SCALES if largest >= scale), (1.0, "$"))


def dollars(value: float) -> str:
    """Return an amount for a sentence: `$1.23 million`."""
    rounded = abs(float(f"{value:.3g}"))  # first: 999,900 is a million, and no thousand of thousands
    scale, name = dollar_scale([rounded])
    return f"{MINUS if value < 0 else ''}${short(rounded / scale)}{name[1:]}"


def short(value: float) -> str:
    """Return three digits without closing zeros, large numbers in full: `0.5`, `12.3`, `1,100`."""
    text = f"{value:.3g}"
    return f"{float(text):,.0f}" if "e+" in text else text


def round_down(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is at most `value`, which is above 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return power * max(digit for digit in (1.0, 2.0, 5.0) if digit * power <= value * (1.0 + 1e-12))


def counted(count: int, one: str, many: str = "") -> str:
    """Return how many there are of a thing: `1 pool`, `1,200 pools`; `many` where the plural is not made by an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def cell_scale(measure: Measure, found: Iterable[Cell]) -> tuple[float, str]:
    """Return (divisor, unit) for all cells of one measure, so that they can be compared at a glance."""
    if measure.unit != DOLLARS:
        return 1.0, _UNITS[measure.unit]
    return dollar_scale(
        number for cell in found for number in (cell.estimate.value, cell.estimate.low, cell.estimate.high)
    )


def level_text(cell: Cell, scale: float = 1.0) -> str:
    """Return the estimate of a cell; an event that never came is `< 3/n`, an amount that never came `none`."""
    level = cell.estimate
    if not level.defined:
        return "undefined"
    if cell.measure.unit == PROBABILITY:
        return _probability(cell)
    if level.value == 0.0 == level.low == level.high:
        return f"none in {level.n}"
    return _interval(level, scale) + _subset(level, cell.storms)


def difference_text(cell: Cell, scale: float = 1.0) -> str:
    """Return the paired difference of a cell to isolated margin."""
    if cell.difference is None:
        return "reference"
    if not cell.difference.defined:
        return "undefined"
    gap = cell.difference
    if gap.low == gap.high == gap.value and gap.n > 1:
        size = "same" if gap.value == 0.0 else f"{number(gap.value / scale, sign=True)}"
        return f"{size} in all {gap.n}"
    return _interval(gap, scale, sign=True) + _subset(gap, cell.storms)


def interval_text(level: Estimate, scale: float = 1.0, sign: bool = False) -> str:
    """Return `1.2 [0.9, 1.5]`, with decimals that fit the width of the interval; a `?` where an end is not known."""
    return _interval(level, scale, sign)


def number(value: float, sign: bool = False, digits: int | None = None) -> str:
    """Return a number with three digits that matter, or with `digits` decimals; never in exponent form."""
    if math.isnan(value):
        return "?"
    places = _decimals(abs(value) / 100) if digits is None else digits
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-", "", 1) if float(text.replace(",", "")) == 0.0 and text.startswith("-") else text


def _interval(level: Estimate, scale: float, sign: bool = False) -> str:
    value, low, high = (item / scale for item in (level.value, level.low, level.high))
    half = (high - low) / 2
    largest = max(abs(item) for item in (value, low, high) if math.isfinite(item))
    places = _decimals(largest / 100)
    if half > 0.0 and math.isfinite(half):
        places = max(min(places, _decimals(half / 10)), _decimals(half))
    places = min(places, max(2, _decimals(largest)))
    return f"{number(value, sign, places)} [{number(low, digits=places)}, {number(high, digits=places)}]"


def _decimals(smallest: float) -> int:
    """Return the decimals that show differences of the size of `smallest`."""
    return min(max(-math.floor(math.log10(smallest)), 0), 6) if smallest > 0.0 else 0


def _probability(cell: Cell) -> str:
    n, seen = cell.estimate.n, cell.events
    bound = math.ceil(1000 * 3 / n) / 10
    if seen in {0, n} and n <= FEW:
        return f"{seen} of {n}: too few"
    if seen == 0:
        return f"< 3/{n} (< {bound:.3g} %)"
    if seen == n:
        return f"> 1-3/{n} (> {100 - bound:.3g} %)"
    return _interval(cell.estimate, 1.0)


def _subset(level: Estimate, storms: int) -> str:
    return "*" if level.n < storms else ""

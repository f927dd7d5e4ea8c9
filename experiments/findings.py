"""The verdict in plain words: each sentence says what was seen, how sure it is, and over how many storms."""

from collections.abc import Iterator

from experiments.arms import DESIGNS, REFERENCE, REUSING, spoken
from experiments.measures import DOLLARS, PERCENT, PROBABILITY, Measure
from experiments.statistics import Estimate
from experiments.verdict import Cell, Outcomes
from experiments.verdict_table import PHI_STAR, star_text
from experiments.wording import dollar_scale, interval_text

# metric -> (what it is called when it differs, in a sentence "<regime> <verb> <noun>")
_SUBJECTS = {
    "bad_debt": ("leaves", "bad debt"),
    "insolvent": ("has", "insolvencies"),
    "liquidated_notional": ("liquidates", "notional"),
    "healthy_closed_share": ("closes", "positions that were healthy on their own"),
    "cascade_size": ("has", "pools in its largest cascade"),
}
_AXIS_OF = {
    "Solvency": ("bad_debt", "insolvent"),
    "Liquidation volume": ("liquidated_notional",),
    "Contagion": ("healthy_closed_share", "cascade_size"),
}


def findings(outcomes: Outcomes, found: list[Cell], stars: dict[str, Estimate]) -> dict[str, list[str]]:
    """Return sentences by axis; the last entry is about the re-use share."""
    by_axis = {axis: list(_axis(outcomes, found, metrics)) for axis, metrics in _AXIS_OF.items()}
    by_axis["Re-use of freed margin"] = [_star(metric, star) for metric, star in stars.items()]
    return by_axis


def headline(outcomes: Outcomes, found: list[Cell], stars: dict[str, Estimate]) -> str:
    """Return the verdict on solvency in one or two sentences."""
    words: dict[str, list[str]] = {}
    for design in outcomes.plan.designs:
        for cell in found:
            if cell.measure.name == "bad_debt" and cell.design == design and cell.difference is not None:
                words.setdefault(design, []).append(f"{_direction(cell.difference)} under {cell.regime}")
    text = "; ".join(f"{design}: {', '.join(said)}" for design, said in words.items())
    sentence = f"Bad debt against {spoken(outcomes.plan.reference)}. {text[:1].upper()}{text[1:]}." if text else ""
    star = stars.get("bad_debt")
    if star is not None and star.defined:
        both = f"{REUSING.capitalize()} and {REFERENCE} margin"
        sentence += f" {both} break even when traders re-use {100 * star.value:.0f} % of the margin set free."
    return sentence


def _direction(gap: Estimate) -> str:
    if not gap.defined:
        return "unknown"
    if gap.low == gap.high == 0.0:
        return "the same"
    return ("more" if gap.value > 0 else "less") if gap.excludes_zero else "no difference that can be told"


def _axis(outcomes: Outcomes, found: list[Cell], metrics: tuple[str, ...]) -> Iterator[str]:
    for metric in metrics:
        for design in outcomes.plan.designs:
            for cell in found:
                if cell.measure.name == metric and cell.design == design and cell.difference is not None:
                    repeats = design != outcomes.plan.designs[0] and outcomes.same_run(cell.regime)
                    if not repeats:  # a regime that frees no margin would say the same twice
                        yield _sentence(outcomes, cell)


def _sentence(outcomes: Outcomes, cell: Cell) -> str:
    both = outcomes.same_run(cell.regime) and len(outcomes.plan.designs) > 1
    design = "Either design" if both else cell.design.capitalize()
    verb, noun = _SUBJECTS[cell.measure.name]
    this, other = spoken(cell.regime), spoken(outcomes.plan.reference)
    gap = cell.difference
    assert gap is not None, "only compared regimes get a sentence"
    if not gap.defined:
        return f"{design}: {noun} of {this} cannot be compared: {gap.reason}."
    if gap.value == 0.0 == gap.low == gap.high:
        return f"{design}: {_pair(outcomes, cell)} have the same {noun} in all {gap.n} storms."
    if not gap.excludes_zero:
        return (
            f"{design}: {gap.n} storms cannot tell {_pair(outcomes, cell, ' from ')} by {noun}: "
            f"difference {_amount(gap, cell.measure)}."
        )
    more = "more" if gap.value > 0 else ("less" if cell.measure.unit == DOLLARS else "fewer")
    return f"{design}: {this} {verb} {more} {noun} than {other}: {_amount(gap, cell.measure)}."


def _pair(outcomes: Outcomes, cell: Cell, word: str = " and ") -> str:
    """Return both regimes of a difference; "margin" is said once."""
    this, other = spoken(cell.regime), spoken(outcomes.plan.reference)
    return f"{this.removesuffix(' margin') if other.endswith(' margin') else this}{word}{other}"


def _amount(gap: Estimate, measure: Measure) -> str:
    scale, unit = (
        dollar_scale((gap.value, gap.low, gap.high))
        if measure.unit == DOLLARS
        else (1.0, "percentage points" if measure.unit in {PERCENT, PROBABILITY} else measure.about)
    )
    per = f" {measure.about}" if measure.unit in {DOLLARS, PERCENT, PROBABILITY} else ""
    return f"{interval_text(gap, scale, sign=True)} {unit}{per}"


def _star(metric: str, star: Estimate) -> str:
    name = PHI_STAR[metric]
    if not star.defined:
        return f"By {name} there is {star_text(metric, star)}."
    text = star_text(metric, star)
    return (
        f"By {name}, {REUSING} margin is as bad as {REFERENCE} margin at {text}: below it safer, "
        f"above it less safe ({', '.join(f'phi = {share:g}: {design}' for design, share in DESIGNS.items())})."
    )

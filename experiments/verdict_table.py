"""The verdict as fixed-width text: three axes and capital, designs side by side, differences to isolated margin."""

import math
import re
import textwrap
from collections.abc import Sequence
from itertools import groupby

from experiments.arms import spoken
from experiments.measures import AXES, Measure
from experiments.statistics import Estimate
from experiments.verdict import Cell, Outcomes
from experiments.wording import cell_scale, counted, difference_text, dollars, level_text

WIDTH = 110
_NAMES, _TITLE, _LEVEL, _GAP = 34, 22, 18, 20  # regimes take what titles leave of _NAMES
_TERMS = (
    ("no crossing: ", ""),
    ("the first curve", "portfolio margin"),
    ("the first stays", "portfolio margin stays"),
)
_GAP_SIZE = re.compile(r"gap is (\S+) at (?=\S)")
PHI_STAR = {"insolvent": "P(insolvency)", "bad_debt": "bad debt"}


def verdict_table(outcomes: Outcomes, found: Sequence[Cell], stars: dict[str, Estimate]) -> str:
    """Return the whole verdict, at most 110 columns wide, ending in its legend."""
    lines = [_rule("=", outcomes), *_heading(outcomes)]
    for axis, measures in AXES.items():
        lines += [_rule("-", outcomes), axis.upper()]
        for measure in measures:
            lines += _block(measure, [cell for cell in found if cell.axis == axis and cell.measure == measure])
    lines += [_rule("-", outcomes), *star_lines(stars), _rule("-", outcomes), *_legend(outcomes)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def star_lines(stars: dict[str, Estimate]) -> list[str]:
    """Return one line for each metric: phi* with its interval, or why there is none."""
    lines = ["RE-USE OF FREED MARGIN: phi* where portfolio margin is as bad as isolated margin"]
    for metric, star in stars.items():
        lines += wrapped(f"  {PHI_STAR[metric]}: {star_text(metric, star)}")
    return lines


def star_text(metric: str, star: Estimate) -> str:
    """Return phi* with its interval, or the reason why there is none."""
    if not star.defined:
        reason = star.reason
        for term, plain in _TERMS:
            reason = reason.replace(term, plain)
        return f"no phi*: {_GAP_SIZE.sub(lambda found: _gap_text(metric, float(found[1])), reason)}"
    ends = ["?" if math.isnan(bound) else f"{bound:.2f}" for bound in (star.low, star.high)]
    note = f" ({star.reason})" if star.reason else ""
    return f"phi* = {star.value:.2f} [{ends[0]}, {ends[1]}]{note}"


def _gap_text(metric: str, gap: float) -> str:
    size = dollars(gap) if metric == "bad_debt" else f"{100 * gap:.3g} percentage points"
    return f"gap is {size} at phi = "


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    """Return `text` as lines of at most `width`, continued with the indent of the first plus two."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _rule(mark: str, outcomes: Outcomes) -> str:
    return mark * (_NAMES + (_LEVEL + _GAP) * len(outcomes.plan.designs))


def _heading(outcomes: Outcomes) -> list[str]:
    n, name = len(outcomes.seeds), outcomes.scenario.name
    storms = counted(n, "storm")
    title = f"{name}: {', '.join(outcomes.plan.regimes)} on the same {storms} (seeds {seeds_text(outcomes.seeds)})"
    left, width = " " * _NAMES, _regime_width(outcomes.plan.regimes)
    designs = "".join(f" {design} ".center(_LEVEL + _GAP - 1, ".") + " " for design in outcomes.plan.designs)
    gap = f"minus {outcomes.plan.reference}"
    columns = f"{'mean [95 %]':<{_LEVEL}}{gap:<{_GAP}}" * len(outcomes.plan.designs)
    return [*wrapped(title), left + designs, f"{'':<{_NAMES - width}}{'regime':<{width}}{columns}"]


def seeds_text(seeds: Sequence[int]) -> str:
    """Return the seeds, runs of neighbours shortened: `1-20`, or `3, 7, 8`; long lists cut in the middle."""
    ordered = enumerate(sorted(seeds))
    groups = [[seed for _, seed in part] for _, part in groupby(ordered, lambda pair: pair[1] - pair[0])]
    parts = [str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in groups]
    return ", ".join(parts) if len(parts) <= 8 else f"{', '.join(parts[:6])}, ... {parts[-1]}"


def _regime_width(regimes: Sequence[str]) -> int:
    return min(max(map(len, regimes), default=0) + 1, _NAMES - _TITLE)


def _block(measure: Measure, found: Sequence[Cell]) -> list[str]:
    scale, unit = cell_scale(measure, found)
    regimes = list(dict.fromkeys(cell.regime for cell in found))
    width = _regime_width(regimes)
    titles = [measure.title, f" {unit} {measure.about}" if unit else f" {measure.about}"]
    lines = []
    for i in range(max(len(regimes), len(titles))):
        title = titles[i] if i < len(titles) else ""
        regime = regimes[i] if i < len(regimes) else ""
        texts = [_texts(cell, scale) for cell in found if cell.regime == regime]
        lines.append(f"{title:<{_NAMES - width}}{regime[: width - 1]:<{width}}{''.join(texts)}")
    return lines


def _texts(cell: Cell, scale: float) -> str:
    return _fit(level_text(cell, scale), _LEVEL) + _fit(difference_text(cell, scale), _GAP)


def _fit(text: str, width: int) -> str:
    """Return `text` in a column; one that is too long loses the space inside its brackets, then its end."""
    text = text.replace(", ", ",") if len(text) >= width else text
    return f"{text:<{width}}" if len(text) < width else f"{text[: width - 2]}~ "


def _legend(outcomes: Outcomes) -> list[str]:
    n, reference = len(outcomes.seeds), outcomes.plan.reference
    lines = [
        "Mean over storms with its 95 % interval (BCa bootstrap; Wilson for shares of storms). "
        f"'minus {reference}': {spoken(reference)} met the same storms, so the difference is taken storm by storm "
        "(paired bootstrap).",
        f"< 3/{n}: no event in {n} storms, the 95 % bound. *: over the storms in which it is defined (how many: "
        "summary table). Accounts: all that held a position, dead or alive. A_$, A_N: liquidated notional and "
        "accounts, totals over storms, with impact / without.",
    ]
    same = [regime for regime in outcomes.plan.regimes if outcomes.same_run(regime)]
    if same:
        lines.append(
            f"Under {' and '.join(same)} margin no initial margin is freed, so equal positions are equal "
            "utilisation: both columns show the same runs."
        )
    return [line for text in lines for line in wrapped(text)]

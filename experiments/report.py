"""The report of a comparison: one HTML file that needs nothing else, and prints."""

import html
from collections.abc import Iterable, Sequence

from experiments.arms import DESIGNS, spoken
from experiments.comparison import Compared
from experiments.drawing import Picture
from experiments.findings import findings, headline
from experiments.gallery import RULE, Shown
from experiments.limits import not_modelled
from experiments.measures import AXES, Measure
from experiments.report_style import CSS
from experiments.store import versions
from experiments.verdict import Cell
from experiments.verdict_table import seeds_text
from experiments.wording import cell_scale, counted, difference_text, dollars, level_text, short


def report(comparison: Compared, pictures: Sequence[Picture]) -> str:
    """Return the report as HTML: no script, no outside link, every text escaped."""
    parts = [
        _head(comparison),
        _section("Verdict", _verdict(comparison)),
        _section("The three axes", _pictures(pictures, "verdict")),
        _section("All estimates", _table(comparison)),
        _section("Solvency in detail", _pictures(pictures, "reuse", "waterfall", "exceedance")),
        _section("Who hits whom", _pictures(pictures, "who_hits_whom")),
        _section("The worst and the median run", _gallery(comparison, pictures)),
        _section("What was not modelled", _items(not_modelled(comparison.scenario))),
        _section("What was compared, and how", _method(comparison)),
        _section("How to reproduce", _reproduce(comparison)),
    ]
    title = text(f"CrossMargin: {comparison.scenario.name}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{CSS}</style>\n</head>\n<body>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Return `value` escaped for HTML."""
    return html.escape(str(value), quote=True)


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{text(title)}</h2>\n{body}</section>\n"


def _items(lines: Iterable[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{text(line)}</li>\n" for line in lines) + "</ul>\n"


def _head(comparison: Compared) -> str:
    scenario, n = comparison.scenario, len(comparison.seeds)
    regimes = ", ".join(comparison.outcomes.plan.regimes)
    about = f'<p class="about">{text(scenario.about)}</p>\n' if scenario.about else ""
    accounts = sum(group.count for group in scenario.population)
    return (
        f"<header>\n<h1>Which margin regime is safer? <small>{text(scenario.name)}</small></h1>\n{about}"
        f"<p>{text(regimes)} margin, {accounts:,} accounts, {len(scenario.markets)} markets, "
        f"{text(_span(comparison))}, the same {counted(n, 'storm')} for every regime. Everything below is conditional "
        "on the assumptions of this scenario; it is not advice.</p>\n</header>\n"
    )


def _verdict(comparison: Compared) -> str:
    found = findings(comparison.outcomes, comparison.cells, comparison.reuse_star)
    blocks = [f"<h3>{text(axis)}</h3>\n{_items(lines)}" for axis, lines in found.items() if lines]
    reference = spoken(comparison.outcomes.plan.reference)
    note = (
        f"Differences are to {reference}, storm by storm, mean with 95 % interval over {len(comparison.seeds)} storms "
        "(paired bootstrap). Solvency, liquidation volume and contagion are separate axes: a regime can win one "
        "and lose another."
    )
    short = headline(comparison.outcomes, comparison.cells, comparison.reuse_star)
    top = f'<p class="headline">{text(short)}</p>\n' if short else ""
    return f'<div class="box">\n{top}{"".join(blocks)}</div>\n<p class="note">{text(note)}</p>\n'


def _pictures(pictures: Sequence[Picture], *names: str) -> str:
    return "".join(_picture(picture) for name in names for picture in pictures if picture.name == name)


def _picture(picture: Picture) -> str:
    return (
        f"<figure>\n<h3>{text(picture.title)}</h3>\n"
        f'<img src="{picture.data_uri}" alt="{text(picture.title)}: {text(picture.caption)}">\n'
        f"<figcaption>{text(picture.caption)}</figcaption>\n</figure>\n"
    )


def _table(comparison: Compared) -> str:
    designs = comparison.outcomes.plan.designs
    top = "".join(f'<th colspan="2" scope="colgroup">{text(design)}</th>' for design in designs)
    reference = comparison.outcomes.plan.reference
    columns = f"<th>mean [95 %]</th><th>minus {text(reference)}</th>" * len(designs)
    rows = []
    for axis, measures in AXES.items():
        rows.append(f'<tr class="axis"><th colspan="{2 + 2 * len(designs)}">{text(axis)}</th></tr>\n')
        for measure in measures:
            rows += _rows(measure, [cell for cell in comparison.cells if cell.measure == measure])
    n = len(comparison.seeds)
    note = (
        f"< 3/{n}: no event in {n} storms, with the 95 % bound. *: over the storms in which the measure is defined; "
        "how many is in summary.csv. Percentages of accounts: all that held a position, dead or alive. A_$ and A_N: "
        "liquidated notional and accounts, totals over storms with impact divided by totals without."
    )
    same = [regime for regime in comparison.outcomes.plan.regimes if comparison.outcomes.same_run(regime)]
    if same:
        note += f" Under {' and '.join(same)} margin nothing is freed: both designs are the same runs."
    return (
        f"<table>\n<thead><tr><th></th><th></th>{top}</tr>\n<tr><th>measure</th><th>regime</th>{columns}</tr></thead>\n"
        f'<tbody>\n{"".join(rows)}</tbody>\n</table>\n<p class="note">{text(note)}</p>\n'
    )


def _rows(measure: Measure, found: Sequence[Cell]) -> list[str]:
    scale, unit = cell_scale(measure, found)
    regimes = list(dict.fromkeys(cell.regime for cell in found))
    lines = []
    for i, regime in enumerate(regimes):
        cells = [cell for cell in found if cell.regime == regime]
        numbers = "".join(
            f"<td>{text(level_text(cell, scale))}</td><td>{text(difference_text(cell, scale))}</td>" for cell in cells
        )
        about = f"{text(measure.title)}<br><small>{text(f'{unit} {measure.about}'.strip())}</small>"
        first = f'<th rowspan="{len(regimes)}" scope="rowgroup">{about}</th>' if i == 0 else ""
        lines.append(f"<tr>{first}<td>{text(regime)}</td>{numbers}</tr>\n")
    return lines


def _gallery(comparison: Compared, pictures: Sequence[Picture]) -> str:
    gallery = comparison.gallery
    rows = "".join(_gallery_row(shown) for shown in (gallery.worst, gallery.median))
    return (
        f"<p>Chosen by a rule, not by taste: {text(RULE)}; the worst is the last, the median the one in the "
        "middle.</p>\n"
        "<table>\n<thead><tr><th>run</th><th>storm (seed)</th><th>regime, design</th><th>bad debt</th>"
        f"<th>liquidated</th><th>contagion graph</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
        + _pictures(pictures, "paths_worst", "contagion_worst", "paths_median", "contagion_median")
    )


def _gallery_row(shown: Shown) -> str:
    metrics = shown.run.metrics
    cells = [
        shown.title,
        shown.seed,
        f"{shown.arm.regime}, {shown.design}",
        dollars(metrics["bad_debt"]),
        dollars(metrics["liquidated_notional"]),
        f"contagion_{shown.title}.graphml (opens in Gephi)",
    ]
    return "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>\n"


def _method(comparison: Compared) -> str:
    scenario, plan = comparison.scenario, comparison.outcomes.plan
    rules = "; ".join(str(plan.rule(scenario, regime)) for regime in plan.regimes)
    designs = ", ".join(f"{design} (phi = {DESIGNS[design]:g})" for design in plan.designs)
    lines = [
        f"Regimes: {rules}.",
        f"Designs: {designs}. With equal positions everybody opens the same book under every regime; with equal "
        "utilisation everybody uses as much of the margin as under isolated margin, so the margin that offsets free is "
        f"spent on larger positions. phi joins the two: {', '.join(f'{share:g}' for share in plan.reuse_grid)}.",
        "Identical storms: all arms of one seed met the same exogenous prices and draws; their digests were compared "
        "and were equal, else there would be no report.",
        "Impact-free twins: every compared arm was run again with impact off; the ratio is the amplification.",
        f"Prices: {scenario.price.kind}. Impact: {scenario.impact.kind}. Mark: {scenario.mark.kind}. Liquidation: "
        f"{scenario.liquidation.kind}. Deleveraging: {scenario.deleveraging.kind}. Insurance fund at the start: "
        f"{dollars(scenario.insurance_fund)}.",
        "Intervals: 95 %. Means by bias-corrected bootstrap over storms (Student's t under eight storms), shares of "
        "storms by Wilson's score, phi* and amplification by paired bootstrap.",
    ]
    return _items(lines)


def _reproduce(comparison: Compared) -> str:
    found = ", ".join(f"{name} {version}" for name, version in versions().items())
    seeds = ",".join(map(str, comparison.seeds)) if len(comparison.seeds) <= 200 else "as in manifest.json"
    lines = [
        ("scenario", f"scenario.toml in this folder, SHA-256 {comparison.scenario_hash}"),
        ("seeds", seeds_text(comparison.seeds)),
        ("command", f"crossmargin compare scenario.toml --seeds {seeds} --out again"),
        ("versions", found),
        ("numbers", "runs.csv (one row a run and metric), summary.csv, who_hits_whom.csv; each as .parquet too"),
    ]
    body = "".join(f"<tr><th>{text(name)}</th><td><code>{text(value)}</code></td></tr>\n" for name, value in lines)
    return f'<table class="plain">\n<tbody>\n{body}</tbody>\n</table>\n'


def _span(comparison: Compared) -> str:
    seconds = comparison.scenario.steps * comparison.scenario.step_seconds
    units = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"))
    size, name = next(((size, name) for size, name in units if seconds >= 2 * size), (1.0, "seconds"))
    return f"{comparison.scenario.steps:,} steps ({short(seconds / size)} {name})"

"""What the theory suite leaves behind: a table for the terminal, and a folder with HTML, Markdown, CSV and pictures."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.drawing import DARK, GREY, Picture, canvas, look, png
from experiments.report import text
from experiments.report_style import CSS
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from experiments.target import Check
from experiments.theory.suite import Result, Target, all_checks, deviation, interval, summary

_SHOWN = 1.5  # deviations beyond this many tolerances are drawn at the edge
_VERDICT = {True: "pass", False: "FAIL"}


def terminal(results: Sequence[Result], details: bool = False) -> str:
    """Return one line a target, then what failed; with `details` every check."""
    width = max(len(result.target.title) for result in results)
    first = max(len(result.target.name) for result in results) + 2
    lines = [f"{'':<{first}}{'':<{width}}  {'checks':>7}  {'worst':>6}  {'seconds':>7}  verdict"]
    for result in results:
        passed, total = sum(check.passed for check in result.checks), len(result.checks)
        lines.append(
            f"{result.target.name:<{first}}{result.target.title:<{width}}  {f'{passed}/{total}':>7}  "
            f"{_worst(result.worst):>6}  {result.seconds:>7.2f}  {_VERDICT[result.passed]}"
        )
        lines += [f"    stopped by {result.stopped}"] if result.stopped else []
        shown = [check for check in result.checks if details or not check.passed]
        lines += [f"    {check_line(check)}" for check in shown]
    failed = sum(not result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    lines += [
        "",
        f"{len(results) - failed} of {len(results)} targets pass, {seconds:.1f} s. "
        "worst: largest deviation in units of its tolerance, 1 is the limit.",
    ]
    return "\n".join(lines)


def listing(targets: Sequence[type[Target]]) -> str:
    """Return what the targets claim, who says so, and which parameters they take."""
    blocks = []
    for target in targets:
        fields = target.model_fields.items()
        told = [f"    {name} = {field.default}: {field.description}" for name, field in fields]
        about = [f"{target.name}  {target.title} ({target.tier})", f"  {target.source}", f"  {target.formula}"]
        blocks.append("\n".join([*about, *told]))
    return "\n\n".join(blocks)


def check_line(check: Check) -> str:
    """Return one check as text: expected, simulated, 95 % interval, verdict."""
    low, high = interval(check)
    spread = f" [{low:.6g}, {high:.6g}]" if check.standard_error > 0.0 else " (same in every run)"
    return (
        f"{_VERDICT[check.passed]}  {check.name}: expected {check.expected:.6g}, simulated {check.simulated:.6g}"
        f"{spread}, tolerance {check.tolerance:.2g}"
    )


def overview(results: Sequence[Result]) -> Picture:
    """Return every check of every target as a dot on the scale of its tolerance, one row a target."""
    style = {True: look("isolated"), False: look("cross")}
    with canvas(10.5, 0.28 * len(results) + 1.2) as figure:
        axis = figure.subplots()
        for row, result in enumerate(results):
            for passed in (True, False):
                found = [signed(check) for check in result.checks if check.passed == passed]
                axis.plot(
                    np.clip(found, -_SHOWN, _SHOWN),
                    [row] * len(found),
                    linestyle="",
                    marker="o" if passed else "X",
                    markersize=5 if passed else 9,
                    markerfacecolor="none" if passed else style[False].colour,
                    color=style[passed].colour if passed else DARK,
                )
            if result.stopped:
                axis.text(0.0, row, "stopped by the engine itself", ha="center", va="center", fontsize=8)
        for limit in (-1.0, 1.0):
            axis.axvline(limit, color=DARK, linestyle="--", linewidth=0.9)
        axis.axvline(0.0, color=GREY, linewidth=0.7)
        axis.set_yticks(range(len(results)), [f"{r.target.name}  {r.target.title}" for r in results])
        axis.set(xlim=(-_SHOWN * 1.04, _SHOWN * 1.04), ylim=(len(results) - 0.5, -0.5))
        axis.set_xlabel("simulated less expected, in units of the tolerance")
        picture = png(figure)
    caption = (
        "Every check is a circle; beyond the dashed lines it fails and is a filled cross, at the edge if far outside. "
        "Identities that hold to rounding lie on 0. Statistical tolerances are four standard errors."
    )
    return Picture("theory", "All checks at a glance", caption, picture)


def deviations(result: Result) -> Picture:
    """Return the checks of one target with their 95 % intervals, on the scale of their tolerances."""
    checks = list(result.checks)
    with canvas(7.5, 0.3 * len(checks) + 1.0) as figure:
        axis = figure.subplots()
        axis.axvspan(-1.0, 1.0, color=GREY, alpha=0.2, linewidth=0)
        axis.axvline(0.0, color=GREY, linewidth=0.7)
        for row, check in enumerate(checks):
            half = 1.96 * check.standard_error / check.tolerance if check.tolerance > 0.0 else 0.0
            middle = float(np.clip(signed(check), -_SHOWN, _SHOWN))
            marker = "o" if check.passed else "X"
            axis.errorbar(middle, row, xerr=min(half, 2 * _SHOWN), fmt=marker, color=DARK, capsize=3, markersize=6)
        axis.set_yticks(range(len(checks)), [check.name for check in checks])
        axis.set(xlim=(-_SHOWN * 1.04, _SHOWN * 1.04), ylim=(len(checks) - 0.5, -0.5))
        axis.set_xlabel("simulated less expected, in units of the tolerance")
        picture = png(figure)
    caption = "Dot: simulated less expected. Bars: 95 % interval. Grey: tolerated. A cross has failed."
    return Picture(file_name(result), f"{result.target.name}: deviations", caption, picture)


def signed(check: Check) -> float:
    """Return the deviation in tolerances with its sign; +-inf for an identity that fails."""
    return math.copysign(deviation(check), check.simulated - check.expected)


def file_name(result: Result) -> str:
    """Return the name of the target's picture, without ending."""
    return f"theory_{result.target.name}".replace(".", "_")


def save(results: Sequence[Result], out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write theory.html, theory.md, checks and summary (CSV and Parquet) and pictures to the folder `out`."""
    overall, own = overview(results), {id(result): pictures(result) for result in results}
    parameters = {result.target.name: result.target.model_dump(mode="json") for result in results}
    provenance = Provenance(parameters, [], command, {})
    with results_folder(out, provenance, overwrite) as folder:
        write_table(all_checks(results), folder / "checks")
        write_table(summary(results), folder / "summary")
        for picture in [overall, *(one for found in own.values() for one in found)]:
            write_bytes(folder / f"{picture.name}.png", picture.png)
        write_bytes(folder / "theory.md", markdown(results, overall, own).encode())
        write_bytes(folder / "theory.html", page(results, overall, own).encode())
    return Path(out)


def pictures(result: Result) -> list[Picture]:
    """Return the pictures of one target: its own, if it has one, and its deviations."""
    own = None if result.stopped else result.target.picture()
    return [*([own] if own else []), *([deviations(result)] if result.checks else [])]


def markdown(results: Sequence[Result], overall: Picture, own: dict[int, list[Picture]]) -> str:
    """Return the report as Markdown that links to the pictures beside it."""
    lines = ["# Published results, simulated", "", terminal_summary(results), "", _link(overall), ""]
    for result in results:
        target = result.target
        lines += [
            f"## {target.name} {target.title}: {_VERDICT[result.passed]}",
            "",
            f"- Source: {target.source}",
            f"- Formula: {target.formula}",
            f"- Parameters: {_parameters(result)}",
            f"- Seconds: {result.seconds:.2f}",
            *([f"- Stopped by {result.stopped}"] if result.stopped else []),
            "",
            "| check | expected | simulated | 95 % interval | tolerance | verdict |",
            "|---|---|---|---|---|---|",
            *("| " + " | ".join(_cells(check)) + " |" for check in result.checks),
            "",
            *(_link(picture) + "\n" for picture in own[id(result)]),
        ]
    return "\n".join(lines)


def page(results: Sequence[Result], overall: Picture, own: dict[int, list[Picture]]) -> str:
    """Return the report as one HTML file without script or outside link."""
    parts = [f"<h1>Published results, simulated</h1>\n<p>{text(terminal_summary(results))}</p>\n{_figure(overall)}"]
    for result in results:
        target = result.target
        facts = {
            "source": target.source,
            "formula": target.formula,
            "parameters": _parameters(result),
            "seconds": f"{result.seconds:.2f}",
            **({"stopped by": result.stopped} if result.stopped else {}),
        }
        told = "".join(f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>\n" for name, value in facts.items())
        names = ("check", "expected", "simulated", "95 % interval", "tolerance", "verdict")
        head = "".join(f"<th>{text(name)}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{text(c)}</td>" for c in _cells(check)) + "</tr>\n" for check in result.checks
        )
        parts.append(
            f"<section>\n<h2>{text(f'{target.name} {target.title}: {_VERDICT[result.passed]}')}</h2>\n"
            f'<table class="plain"><tbody>\n{told}</tbody></table>\n'
            f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n"
            f"{''.join(map(_figure, own[id(result)]))}</section>\n"
        )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>CrossMargin: theory</title>\n'
        f"<style>{CSS}</style>\n</head>\n<body>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def terminal_summary(results: Sequence[Result]) -> str:
    """Return the last line of the terminal's table."""
    return terminal(results).rpartition("\n")[2]


def _worst(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "beyond"


def _parameters(result: Result) -> str:
    return ", ".join(f"{name} = {value}" for name, value in result.target) or "none"


def _cells(check: Check) -> list[str]:
    low, high = interval(check)
    spread = f"{low:.6g} to {high:.6g}" if check.standard_error > 0.0 else "same in every run"
    numbers = [f"{check.expected:.6g}", f"{check.simulated:.6g}", spread, f"{check.tolerance:.2g}"]
    return [check.name.replace("|", "/"), *numbers, _VERDICT[check.passed]]


def _link(picture: Picture) -> str:
    return f"![{picture.title}]({picture.name}.png)\n\n{picture.caption}"


def _figure(picture: Picture) -> str:
    return (
        f'<figure>\n<img src="{picture.data_uri}" alt="{text(picture.title)}">\n'
        f"<figcaption>{text(picture.caption)}</figcaption>\n</figure>\n"
    )

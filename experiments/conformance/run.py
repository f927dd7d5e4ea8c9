"""Conformance: every published case answered by the engine's own rules, and how many answers are right."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from experiments.conformance.case import Adapter
from experiments.conformance.comparison import Finding, findings
from experiments.conformance.reading import CaseFile, PublishedCase, find_folder, read_files
from experiments.conformance.venues import Adapters, adapter_for, known_adapters, venue_of

_MOST_FAILURES = 40  # lines; all of them are in `Conformance.failures`


@dataclass(frozen=True)
class Row:
    """All cases of one kind of one file.

    worst_error: largest |expected - x| / max(1, |expected|) over the numbers of their answers, against the
    full-precision number where the source rounds; nan where there is no number.
    """

    venue: str
    kind: str
    cases: int
    passed: int
    worst_error: float


@dataclass(frozen=True)
class Failure:
    """A case with a wrong answer, or with none because the adapter failed."""

    file: str
    kind: str
    case: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line, the first problem."""
        first, *others = self.problems
        more = f" (and {len(others)} more)" if others else ""
        return f"{self.file}: {self.kind}: {self.case}: {first}{more}"


@dataclass(frozen=True)
class Conformance:
    """What came of all cases of a folder.

    not_covered: (file, kind, cases) of kinds nobody answers. unreadable: lines about files and cases that are none.
    """

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    not_covered: tuple[tuple[str, str, int], ...]
    unreadable: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Return 1 if an answer is wrong or something could not be read, 0 otherwise."""
        return 1 if self.failures or self.unreadable else 0

    def __str__(self) -> str:
        """Return the table, what is not covered, and the failures, in lines of at most 110 letters but for reasons."""
        return "\n".join([*_table(self.rows), *self._uncovered(), *self._unread(), *self._failed(), self._verdict()])

    def _uncovered(self) -> list[str]:
        lines = [f"  {file}: {kind}, {cases} cases" for file, kind, cases in self.not_covered]
        total = sum(cases for _, _, cases in self.not_covered)
        return ["", f"{total} cases not covered:", *lines] if lines else []

    def _unread(self) -> list[str]:
        lines = [f"  {line}" for line in self.unreadable]
        return ["", "not readable:", *lines] if lines else []

    def _failed(self) -> list[str]:
        lines = [f"  {failure}" for failure in self.failures[:_MOST_FAILURES]]
        more = len(self.failures) - len(lines)
        return ["", "failed:", *lines, *([f"  and {more} more"] if more else [])] if lines else []

    def _verdict(self) -> str:
        cases, passed = sum(row.cases for row in self.rows), sum(row.passed for row in self.rows)
        left = sum(count for _, _, count in self.not_covered)
        return f"\n{passed} of {cases} cases pass, {len(self.failures)} fail, {left} not covered"


def conformance(vectors: str | Path | None = None) -> Conformance:
    """Answer all cases in the folder `vectors` and compare.

    Without a folder the environment variable CROSSMARGIN_VECTORS and then ../shared/vectors say where it is.
    Raises `InputError` if there is no such folder or no case file in it.
    """
    return compare_files(read_files(find_folder(vectors)), known_adapters())


def compare_files(files: Iterable[CaseFile], adapters: Adapters) -> Conformance:
    """Answer the cases of `files` with `adapters` and compare."""
    rows: list[Row] = []
    failures: list[Failure] = []
    uncovered: list[tuple[str, str, int]] = []
    unreadable: list[str] = []
    for file in files:
        unreadable += [f"{file.name}: {problem}" for problem in file.problems]
        for kind in dict.fromkeys(published.case.kind for published in file.cases):
            cases = [published for published in file.cases if published.case.kind == kind]
            adapter = adapter_for(file, kind, adapters)
            if adapter is None:
                uncovered.append((file.name, kind, len(cases)))
                continue
            row, wrong = _answer_all(file, cases, adapter)
            rows.append(row)
            failures += wrong
    return Conformance(tuple(rows), tuple(failures), tuple(uncovered), tuple(unreadable))


def _answer_all(file: CaseFile, cases: list[PublishedCase], adapter: Adapter) -> tuple[Row, list[Failure]]:
    kind, failures, worst = cases[0].case.kind, [], math.nan
    for published in cases:
        found, error = _answer(published, adapter)
        problems = tuple(str(finding) for finding in found if finding.problem)
        worst = error if math.isnan(worst) or error > worst else worst
        if problems:
            failures.append(Failure(file.name, kind, published.case.id, problems))
    return Row(venue_of(file), kind, len(cases), len(cases) - len(failures), worst), failures


def _answer(published: PublishedCase, adapter: Adapter) -> tuple[list[Finding], float]:
    """Return the findings about one case and its largest error; an adapter that raises is a wrong answer."""
    try:
        answer = dict(adapter(published.case))
    except Exception as error:  # noqa: BLE001 - one case must not hide the others
        reason = " ".join(str(error).split())
        return [Finding("", problem=f"no answer: {type(error).__name__}: {reason[:160]}")], math.nan
    found = list(findings(published.case.expected, answer, published.tolerance))
    recomputed = {name: value for name, value in published.recomputed.items() if name in published.case.expected}
    precise = list(findings(recomputed, answer, published.precise))
    known = {finding.path for finding in precise if not math.isnan(finding.error)}
    errors = [finding.error for finding in precise + [f for f in found if f.path not in known]]
    return found + precise, max((error for error in errors if not math.isnan(error)), default=math.nan)


def _table(rows: tuple[Row, ...]) -> list[str]:
    wide = max((len(row.venue) for row in rows), default=5)
    deep = max((len(row.kind) for row in rows), default=4)
    lines = [f"{'venue':<{wide}}  {'kind':<{deep}}  cases  passed  worst error"]
    for row in rows:
        error = "-" if math.isnan(row.worst_error) else f"{row.worst_error:.1e}"
        lines.append(f"{row.venue:<{wide}}  {row.kind:<{deep}}  {row.cases:>5}  {row.passed:>6}  {error:>11}")
    return lines

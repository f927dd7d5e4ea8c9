"""Every published case of every venue, answered by the engine's rules at the stated tolerance."""

import json
from collections.abc import Callable

import pytest

from experiments.conformance.comparison import findings
from experiments.conformance.reading import read_files
from experiments.conformance.run import compare_files, conformance
from experiments.conformance.venues import SYSTEMS, adapter_for, known_adapters
from tests.conformance.folders import PUBLISHED, numbers_changed

published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published cases are not shipped (set CROSSMARGIN_VECTORS)"
)


@published
def test_every_published_case_passes_and_none_is_left_out() -> None:
    result = conformance(PUBLISHED)
    assert not result.unreadable
    assert [str(failure) for failure in result.failures] == []
    assert result.not_covered == ()
    assert sum(row.passed for row in result.rows) == sum(row.cases for row in result.rows) > 0
    assert result.exit_code == 0


@published
def test_files_are_recognised_by_what_they_say_when_they_are_called_something_else() -> None:
    for file in read_files(PUBLISHED):
        for kind in {published.case.kind for published in file.cases}:
            renamed = type(file)("x.json", file.system, file.cases)
            own = adapter_for(file, kind, known_adapters())
            assert adapter_for(renamed, kind, known_adapters()) is own, (file.name, kind)
            assert adapter_for(type(file)(f"hidden-{file.stem}-2.json"), kind, known_adapters()) is own


@published
def test_each_published_file_has_a_venue() -> None:
    assert {file.stem for file in read_files(PUBLISHED)} <= set(SYSTEMS)


@published
def test_no_answer_comes_from_what_is_expected() -> None:
    """An adapter gets the same inputs and wrong expectations: its answers must stay what they were."""
    adapters = known_adapters()
    for file in read_files(PUBLISHED):
        for entry in file.cases:
            adapter = adapter_for(file, entry.case.kind, adapters)
            if adapter is None:
                continue  # the first test speaks of that
            blank = json.loads(json.dumps(dict(entry.case.expected)), parse_float=_off, parse_int=_off)
            other = type(entry.case)(**{**vars(entry.case), "expected": blank})
            found = findings(entry.case.expected, dict(adapter(other)), entry.tolerance)
            assert [str(f) for f in found if f.problem] == [], (file.name, entry.case.id)


def _off(number: str) -> float:
    return float(number) * 1.37 + 11.0


@published
def test_a_wrong_number_among_the_published_ones_is_noticed() -> None:
    """Two percent off, or one where it should be nothing, in any number of the first case of every kind."""
    change: Callable[[float], float] = lambda number: number * 1.02 if number else 1.0  # noqa: E731
    for file in read_files(PUBLISHED):
        for kind in {entry.case.kind for entry in file.cases}:
            entry = next(entry for entry in file.cases if entry.case.kind == kind)
            for wrong in numbers_changed(dict(entry.case.expected), change):
                case = type(entry.case)(**{**vars(entry.case), "expected": wrong})
                spoilt = type(entry)(case, entry.precise, {}, entry.precise)
                result = compare_files([type(file)(file.name, file.system, (spoilt,))], known_adapters())
                assert len(result.failures) + len(result.not_covered) == 1, (file.name, entry.case.id, wrong)

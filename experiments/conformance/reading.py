"""Reading the published cases: where they lie, which files hold them, what each says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.conformance.case import Case
from experiments.conformance.comparison import Tolerance, is_number
from simulation.errors import InputError, described, shown

VARIABLE = "CROSSMARGIN_VECTORS"
NEARBY = Path("..") / "shared" / "vectors"
_DEFAULT = Tolerance(1e-9, 1e-9)


@dataclass(frozen=True)
class PublishedCase:
    """A case and what its answer is held against.

    recomputed: full-precision numbers where the source rounds; they are compared at the tolerance of the file.
    """

    case: Case
    tolerance: Tolerance
    recomputed: Mapping[str, Any]
    precise: Tolerance


@dataclass(frozen=True)
class CaseFile:
    """One file of cases. `problems` says what could not be read; the rest is there all the same."""

    name: str
    system: str = ""
    cases: tuple[PublishedCase, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Return the name of the file without its ending."""
        return Path(self.name).stem


def find_folder(vectors: str | Path | None) -> Path:
    """Return the folder of cases: `vectors`, the environment variable, or the one next to this project."""
    if vectors is not None:
        return _existing(Path(vectors), "--vectors")
    if os.environ.get(VARIABLE):
        return _existing(Path(os.environ[VARIABLE]), VARIABLE)
    for place in (NEARBY, Path(__file__).parents[2] / NEARBY):
        if place.is_dir():
            return place
    raise InputError(f"--vectors: no published cases found; name their folder with --vectors DIR or {VARIABLE}")


def read_files(folder: Path) -> list[CaseFile]:
    """Return the files of cases in `folder`, by name.

    Raises `InputError` if there are none.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.is_file())
    if not paths:
        raise InputError(f"--vectors: no case files (*.json) in {shown(str(folder))}")
    return [_read(path) for path in paths]


def _existing(folder: Path, source: str) -> Path:
    if not folder.is_dir():
        raise InputError(f"{source}: no such folder {shown(str(folder))}; name the folder that holds the case files")
    return folder


def _read(path: Path) -> CaseFile:
    try:
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return CaseFile(path.name, problems=(f"cannot be read: {' '.join(str(error).split())}",))
    if not isinstance(table, dict) or not isinstance(table.get("cases"), list):
        return CaseFile(path.name, problems=("holds no list of cases",))
    system = table.get("system")
    settings = {name: value for name, value in table.items() if name != "cases"}
    cases, problems = [], [] if table["cases"] else ["holds no cases"]
    for place, entry in enumerate(table["cases"]):
        problem = _problem(entry)
        if problem:
            problems.append(f"case {place + 1}: {problem}")
        else:
            cases.append(_case(entry, settings))
    return CaseFile(path.name, system if isinstance(system, str) else "", tuple(cases), tuple(problems))


def _problem(entry: Any) -> str:
    """Return what makes `entry` no case, or nothing."""
    if not isinstance(entry, dict):
        return f"must be a table (got {described(entry)})"
    if not isinstance(entry.get("kind"), str):
        return "has no kind"
    for name in ("inputs", "expected"):
        if not isinstance(entry.get(name), dict):
            return f"{name} must be a table (got {described(entry.get(name))})"
    if not entry["expected"]:
        return "expects nothing"
    return _tolerance_problem(entry.get("tolerance"))


def _tolerance_problem(table: Any) -> str:
    if table is None:
        return ""
    good = isinstance(table, dict) and all(is_number(table.get(name, 0.0)) for name in ("rel", "abs"))
    return "" if good else "tolerance must be a table of rel and abs"


def _case(entry: dict[str, Any], settings: dict[str, Any]) -> PublishedCase:
    table = settings.get("tolerance")
    of_file = _DEFAULT if _tolerance_problem(table) else Tolerance.of(table, _DEFAULT)
    name, convention = str(entry.get("id", "")), str(entry.get("convention", ""))
    case = Case(name, entry["kind"], entry["inputs"], entry["expected"], settings, convention)
    recomputed = entry.get("recomputed")
    known = recomputed if isinstance(recomputed, dict) else {}
    return PublishedCase(case, Tolerance.of(entry.get("tolerance"), of_file), known, of_file)

"""Folders of cases for tests: the small one shipped here, copies of it with something wrong, the published one."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

OWN = Path(__file__).with_name("cases")
PUBLISHED = Path(os.environ.get("CROSSMARGIN_VECTORS") or Path(__file__).parents[3] / "shared" / "vectors")
NAME = "cex_and_doc_examples.json"
Table = dict[str, Any]


def own_table() -> Table:
    """The shipped cases as plain data."""
    return json.loads((OWN / NAME).read_text("utf-8"))


def folder(path: Path, *tables: Table, name: str = NAME) -> Path:
    """Write `tables` as files of cases, the first under `name`."""
    for place, table in enumerate(tables):
        (path / (name if place == 0 else f"{place}-{name}")).write_text(json.dumps(table), "utf-8")
    return path


def one_case(kind: str, **changed: Any) -> Table:
    """The shipped file with the first case of `kind` only, fields of it changed."""
    table = own_table()
    case = next(case for case in table["cases"] if case["kind"] == kind)
    return {**table, "cases": [{**case, **changed}]}


def numbers_changed(value: Any, change: Callable[[float], float]) -> list[Any]:
    """Copies of `value`, in each of which one of its numbers is changed."""
    found = []
    for path, number in _leaves(value):
        changed = change(number)
        if changed != number:
            found.append(_with(value, path, changed))
    return found


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], float]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, item in items for leaf in _leaves(item, (*path, key))]
    return [(path, value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _with(value: Any, path: tuple[Any, ...], number: float) -> Any:
    new = inner = copy.deepcopy(value)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = number
    return new

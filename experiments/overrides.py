"""Changes to a scenario from the command line: `margin.kind=portfolio`, `markets.BTC.volatility=0.9`."""

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.errors import ScenarioError, nearest, shown

_PATH = re.compile(r"[\w-]+(?:\.[\w-]+|\[\d+\])*", re.ASCII)
_BARE = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
_DEPTH = 10


@dataclass
class Override:
    """One change: the `path` it goes to (names resolved to list numbers by `apply`), the value, the text it was."""

    text: str
    path: tuple[str | int, ...]
    value: Any


def read_overrides(texts: Iterable[str]) -> list[Override]:
    """Return the overrides that `path=value` texts stand for; raises `ScenarioError` naming the text."""
    found: list[Override] = []
    for text in texts:
        path, equals, value = text.partition("=")
        label = f"--set {shown(text)[1:-1]}"
        parts = tuple(int(part) if part.isdecimal() else part for part in re.findall(r"[\w-]+", path, re.ASCII))
        if not equals or not _PATH.fullmatch(path) or len(parts) > _DEPTH:
            raise ScenarioError("must be path=value, as in margin.kind=portfolio", label)
        if any(other.path == parts for other in found):
            raise ScenarioError(f"{path} is set twice", label)
        found.append(Override(text, parts, _value(value, label)))
    return found


def apply(data: Mapping[str, Any], changes: Iterable[Override]) -> dict[str, Any]:
    """Return a copy of plain `data` with the changes made; entries of lists are found by number or by name."""
    changed = copy.deepcopy(dict(data))
    for change in changes:
        label = f"--set {shown(change.text)[1:-1]}"
        table: Any = changed
        path: list[str | int] = []
        for part in change.path[:-1]:
            key = _key(table, part, label)
            if isinstance(table, dict) and not isinstance(table.get(key), dict | list):
                table[key] = {}
            path.append(key)
            table = table[key]
        key = _key(table, change.path[-1], label)
        table[key] = change.value
        change.path = (*path, key)
    return changed


def _key(table: Any, part: str | int, label: str) -> str | int:
    """Return the key or list number `part` means in `table`."""
    if isinstance(table, dict):
        return str(part)
    if not isinstance(table, list):
        raise ScenarioError(f"'{part}' is inside a value that is not a table", label)
    if isinstance(part, int):
        if part < len(table):
            return part
        raise ScenarioError(f"[{part}] is beyond the end; there are {len(table)} entries", label)
    names = [str(entry.get("name", entry.get("kind", ""))) if isinstance(entry, dict) else "" for entry in table]
    if part in names:
        return names.index(part)
    known = ", ".join(name for name in names if name) or "none has a name"
    raise ScenarioError(f"no entry is called '{part}'; known: {known}{nearest(part, names)}", label)


def _value(text: str, label: str) -> Any:
    """Return a value as TOML reads it; a bare word is text."""
    if _BARE.fullmatch(text.strip()) and text.strip() not in ("true", "false", "inf", "nan"):
        return text.strip()
    if len(text) > 10_000 or text.count("[") + text.count("{") > 500:
        raise ScenarioError("value is too long; put it into a file", label)
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        allowed = "a number, text, true, false, a list or a table; numbers are written 0.3 or 1e5"
        raise ScenarioError(f"value must be {allowed} (got {shown(text)})", label) from None
    if list(parsed) != ["value"]:
        raise ScenarioError(f"value must be one value (got {shown(text)})", label)
    return parsed["value"]

"""Plain data as TOML text: what `tomllib` reads back is equal to what was given."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from simulation.errors import InputError, shown

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WIDE = 100  # a longer list is written one item a line


def to_toml(value: Mapping[str, Any], header: str = "") -> str:
    """Return `value` as TOML: plain entries, then [tables], then [[lists of tables]]; `header` becomes comments.

    Raises `InputError` for what TOML cannot say (None, and anything that is no plain data).
    """
    lines = [f"# {_CONTROL.sub(' ', line)}".rstrip() for line in header.splitlines()]
    plain = {key: item for key, item in value.items() if not _is_table(item) and not _is_tables(item)}
    lines += [f"{_key(key)} = {_inline(item)}" for key, item in plain.items()]
    for key, item in value.items():
        if _is_table(item):
            lines += ["", f"[{_key(key)}]", *_entries(item)]
    for key, item in value.items():
        if _is_tables(item):
            for entry in item:
                lines += ["", f"[[{_key(key)}]]", *_entries(entry)]
    return "\n".join(lines) + "\n"


def _entries(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_inline(item)}" for key, item in table.items()]


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        entries = ", ".join(_entries(value))
        return f"{{ {entries} }}" if entries else "{}"
    if isinstance(value, list | tuple):
        items = [_inline(item) for item in value]
        text = f"[{', '.join(items)}]"
        return text if len(text) <= _WIDE else "[\n  " + ",\n  ".join(items) + ",\n]"
    raise InputError(f"cannot be written as TOML (got {shown(value)})")


def _number(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return repr(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _text(value: str) -> str:
    """Return a basic string: JSON's escapes are TOML's, but DEL must be escaped too and no surrogates may stand."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

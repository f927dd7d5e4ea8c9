"""TOML text as it comes from a stranger: read with limits, parsed to plain data, every key with its place."""

import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.errors import ScenarioError

SIZE_LIMIT = 1_048_576  # bytes
DEPTH_LIMIT = 20  # tables and lists inside each other, parts of a dotted key
_MARK = re.compile(  # strings, comments, punctuation, and words that are neither
    r"'{3}.*?'{3}|\"{3}(?:\\.|[^\\])*?\"{3}|'[^'\n]*'|\"(?:\\.|[^\"\\\n])*\"|\#[^\n]*"
    r"|[\[\]{}=,.\n]|[^\s\[\]{}=,.'\"\#]+",
    re.DOTALL,
)
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
Key = tuple[str | int, ...]


@dataclass
class TomlSource:
    """Parsed TOML. `data` is the plain tables; `places` the (line, column), from 1, of every key and entry."""

    name: str
    data: dict[str, Any]
    places: dict[Key, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Key) -> str:
        """Return `name:line:column` of the deepest known part of `path`, or the bare name."""
        for length in range(len(path), 0, -1):
            if found := self.places.get(path[:length]):
                return f"{self.name}:{found[0]}:{found[1]}"
        return self.name


def read_toml(path: Path, name: str = "") -> TomlSource:
    """Return the TOML file at `path`; raises `ScenarioError` whose lines start with its name and the place."""
    name = name or str(path)
    return parse_toml(decode(read_capped(path, name), name), name)


def read_capped(path: Path, name: str) -> bytes:
    """Return the bytes of a regular file of at most 1 MiB; nothing else is opened."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ScenarioError("not a regular file", name)
        if about.st_size > SIZE_LIMIT:
            raise ScenarioError(f"file is {_size(about.st_size)}; limit 1 MiB", name)
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ScenarioError(f"cannot be read: {error.strerror or error}", name) from None
    if len(content) > SIZE_LIMIT:
        raise ScenarioError("file grew beyond the limit of 1 MiB while being read", name)
    return content


def decode(content: bytes, name: str) -> str:
    """Return strict UTF-8 text without its byte order mark; refuses control characters and empty files."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = f"not UTF-8 (byte 0x{content[error.start]:02X} at offset {error.start}); save the file as UTF-8"
        raise ScenarioError(problem, f"{name}:{line}:1") from None
    if bad := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        problem = f"control character U+{ord(bad[0]):04X}; only tab and line ends are allowed"
        raise ScenarioError(problem, f"{name}:{_line_column(text, bad.start())}")
    text = text.replace("\r\n", "\n")
    if not re.sub(r"#[^\n]*", "", text).strip():
        raise ScenarioError("file is empty; a scenario needs at least markets, price and population", name)
    return text


def parse_toml(text: str, name: str) -> TomlSource:
    """Return parsed `text`; syntax errors are raised as `name:line:column: what`."""
    marks = list(_MARK.finditer(text))
    _refuse_depth(text, marks, name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(*_syntax(str(error), text, name)) from None
    except RecursionError:
        raise ScenarioError(f"nesting deeper than {DEPTH_LIMIT}", name) from None
    except ValueError as error:  # numbers of thousands of digits
        raise ScenarioError(f"a number is too long ({error})", name) from None
    return TomlSource(name, data, _Places(text, marks).found)


def _syntax(message: str, text: str, name: str) -> tuple[str, str]:
    where = _WHERE.search(message)
    what = f"{message[:1].lower()}{_WHERE.sub('', message)[1:]}"
    what = what.encode("unicode_escape").decode("ascii")
    if where is None or where[1] is None:
        lines = text.rstrip("\n").split("\n")
        return f"TOML: {what} at the end of the file", f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
    return f"TOML: {what}{_likely(what)}", f"{name}:{where[1]}:{where[2]}"


def _likely(what: str) -> str:
    """Return a hint for the mistakes that people make most."""
    if "overwrite a value" in what or "mutate" in what or "declare" in what or "twice" in what:
        return "; hint: duplicate key or table"
    if "invalid value" in what:
        return "; hint: text needs quotes; numbers are written 1000, 0.5 or 1e5"
    if "expected newline" in what.lower():
        return "; hint: numbers are written 1000, 0.5 or 1e5 (no thousands separator, unit or leading zero)"
    return ""


def _refuse_depth(text: str, marks: list[re.Match[str]], name: str) -> None:
    """Refuse nested brackets and long dotted keys before a parser spends time on them."""
    depth = dots = 0
    for mark in marks:
        sign = mark[0]
        dots = dots + 1 if sign == "." else dots if sign[0] not in "[]{}=,\n#" else 0
        depth = depth + 1 if sign in "[{" else depth - 1 if sign in "]}" else depth
        if depth > DEPTH_LIMIT or dots > DEPTH_LIMIT:
            raise ScenarioError(f"nesting deeper than {DEPTH_LIMIT}", f"{name}:{_line_column(text, mark.start())}")


def _line_column(text: str, offset: int) -> str:
    return f"{text.count(chr(10), 0, offset) + 1}:{offset - text.rfind(chr(10), 0, offset)}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


class _Places:
    """Where the keys of a valid TOML text stand; a pass over its tokens."""

    def __init__(self, text: str, marks: list[re.Match[str]]) -> None:
        self.found: dict[Key, tuple[int, int]] = {}
        self.counts: dict[Key, int] = {}
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.tokens = [(mark[0], mark.start()) for mark in marks if mark[0][0] != "#"]
        self.i, self.line = 0, 0
        self._document()

    def _document(self) -> None:
        table: Key = ()
        while self.i < len(self.tokens):
            sign = self._peek()
            if sign == "\n":
                self.i += 1
            elif sign == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Key:
        start = self.tokens[self.i][1]
        listed = self.tokens[self.i + 1][0] == "["
        self.i += 2 if listed else 1
        names = self._names()
        self.i += 2 if listed else 1
        path: Key = ()
        for name in names[:-1]:
            path = self._current((*path, name))
        path = (*path, names[-1])
        self._note(path, start)
        if listed:
            self.counts[path] = self.counts.get(path, -1) + 1
            path = (*path, self.counts[path])
            self._note(path, start)
        return path

    def _current(self, path: Key) -> Key:
        return (*path, self.counts[path]) if path in self.counts else path

    def _names(self) -> list[str]:
        names = []
        while (sign := self._peek()) not in ("=", "]"):
            if sign != ".":
                names.append(sign[1:-1] if sign[0] in "'\"" else sign)
            self.i += 1
        return names

    def _assignment(self, table: Key) -> None:
        start = self.tokens[self.i][1]
        path = (*table, *self._names())
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length], start)
        self.i += 1
        self._value(path)

    def _value(self, path: Key) -> None:
        sign = self._peek()
        if sign == "{":
            self.i += 1
            while self._skip(",\n") != "}":
                self._assignment(path)
            self.i += 1
        elif sign == "[":
            self.i, entry = self.i + 1, 0
            while self._skip(",\n") != "]":
                self._note((*path, entry), self.tokens[self.i][1])
                self._value((*path, entry))
                entry += 1
            self.i += 1
        else:  # a scalar; one with a point or a time is several tokens
            while self._peek() not in (",", "\n", "]", "}", ""):
                self.i += 1

    def _skip(self, what: str) -> str:
        while self._peek() and self._peek() in what:
            self.i += 1
        return self._peek()

    def _peek(self) -> str:
        return self.tokens[self.i][0] if self.i < len(self.tokens) else ""

    def _note(self, path: Key, offset: int) -> None:
        while self.line + 1 < len(self.starts) and self.starts[self.line + 1] <= offset:
            self.line += 1
        self.found.setdefault(path, (self.line + 1, offset - self.starts[self.line] + 1))

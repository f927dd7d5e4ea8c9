"""Fenced blocks of a Markdown page, and whether a program printed what the page shows.

A comment on the line before a block says what to do with it:

    <!-- not run: reason -->     skipped, with the reason
    <!-- file: my_trader.py -->  saved under this name beside the commands that follow
    <!-- exit code: 2 -->        the last command of the block ends with this code
    <!-- output -->              what the Python block before printed
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FENCE = re.compile(r"^(?P<ticks>```+)\s*(?P<language>[\w-]*)")
COMMENT = re.compile(r"^<!--\s*(?P<word>not run|file|exit code|output)\s*(?::\s*(?P<value>.*?))?\s*-->$")
ANY_LINES = "..."


@dataclass(frozen=True)
class Block:
    """One fenced block: `line` is the number of its first inner line, `tag` and `value` the comment."""

    line: int
    language: str
    lines: tuple[str, ...]
    tag: str = ""
    value: str = ""

    @property
    def text(self) -> str:
        """The block as a file."""
        return "\n".join(self.lines) + "\n"


@dataclass
class Command:
    """One `$ ` line of a console block and the output shown below it; no output shown means any will do."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = iter(enumerate(page.splitlines(), 1))
    tag, value = "", ""
    for number, line in lines:
        if fence := FENCE.match(line):
            inside = []
            for _, inner in lines:
                if inner.strip() == fence["ticks"]:
                    break
                inside.append(inner)
            yield Block(number + 1, fence["language"], tuple(inside), tag, value)
            tag, value = "", ""
        elif comment := COMMENT.match(line.strip()):
            tag, value = comment["word"], comment["value"] or ""
        elif line.strip():
            tag, value = "", ""


def commands(block: Block) -> list[Command]:
    """The commands of a console block; a backslash at the end of a line continues the command."""
    found: list[Command] = []
    continued = False
    for number, line in enumerate(block.lines, block.line):
        if continued:
            found[-1].text += "\n" + line.removeprefix("> ")
        elif line.startswith("$ "):
            found.append(Command(number, line.removeprefix("$ ")))
        elif found:
            found[-1].shown.append(line)
        else:
            raise ValueError(f"line {number}: a console block starts with '$ ' (got {line!r})")
        is_command = continued or line.startswith("$ ")
        continued = is_command and line.endswith("\\")
    return found


def printed_as_shown(shown: list[str], printed: str) -> bool:
    """Whether `printed` agrees with the page: `...` alone is any number of lines, in a line any text."""
    if not any(line.strip() for line in shown):
        return True
    pattern = "".join(_pattern(line) for line in _trimmed(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _trimmed(printed.splitlines()))) is not None


def _pattern(line: str) -> str:
    if line.strip() == ANY_LINES:
        return r"(?:.*\n)*"
    return ".*".join(re.escape(part) for part in line.split(ANY_LINES)) + r"\n"


def _trimmed(lines: list[str]) -> list[str]:
    """Without blanks at the end of lines, and without blank lines at both ends."""
    return "\n".join(line.rstrip() for line in lines).strip("\n").split("\n")

"""The contract of a refusal: exit code 2, one line a problem with the field, no traceback, nothing written, quick."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.cli import execute

MOST_SECONDS = 20.0  # of the processor: no measure of speed, only that nothing is built before it is refused
MOST_LINES = 21  # twenty problems and a word about the rest
LINE = re.compile(
    r"^(?:--[a-z]+(?: .+?)?|[^\s:][^:]*(?::\d+){0,2}|.*not found.*): \S.*$|^scenario file not found: .+$"
)
PLAIN = """
steps = 4
[[markets]]
name = "BTC"
price = 100.0
[[markets]]
name = "ETH"
price = 10.0
[price]
kind = "gbm"
[[population]]
kind = "holder"
count = 3
"""


@dataclass(frozen=True)
class Case:
    """One bad input: the `row` of the catalogue, the text of a scenario file, what stderr must contain."""

    row: str
    text: str
    expected: str

    @property
    def name(self) -> str:
        """A name for the test report."""
        return f"{self.row}-{re.sub(r'[^A-Za-z0-9]+', '_', self.expected)[:40]}"


def changed(old: str, new: str) -> str:
    """The plain scenario with one piece replaced."""
    assert old in PLAIN, old
    return PLAIN.replace(old, new, 1)


def top(line: str) -> str:
    """The plain scenario with a line at the top."""
    return f"{line}\n{PLAIN}"


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], out: Path) -> list[str]:
    """Run the command line, check all of the contract, and return the lines of the refusal."""
    started = time.process_time()
    code = execute(arguments)
    seconds = time.process_time() - started
    output = capsys.readouterr()
    assert code == 2, f"exit code {code}: {output.out[:200]} {output.err[:500]}"
    assert not output.out
    assert "Traceback" not in output.err
    assert not out.exists(), "a folder was written"
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s"
    lines = output.err.rstrip("\n").split("\n")
    check_lines(lines)
    return lines


def check_lines(lines: Sequence[str]) -> None:
    """Every line names its place or field and is printable ASCII; there are not too many."""
    assert 1 <= len(lines) <= MOST_LINES, len(lines)
    for line in lines:
        assert line.isascii() and line.isprintable(), repr(line)
        assert LINE.match(line) or re.match(r"^and \d+ more problems$", line), line
        assert len(line) < 1000, f"{len(line)} characters"

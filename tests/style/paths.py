"""Paths of one machine: a file in the repository may not know where it was written."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.style.source import ROOT

# Put together from pieces, so that this file passes its own rule.
FOLDERS = "|".join(("work", "tmp", "root", "home", "Users", "opt", "mnt"))
MACHINE_PATH = re.compile(rf"""(?:^|[\s"'`=:(\[<,])(/(?:{FOLDERS})/[\w.+-][^\s"'`)\]>,]*)""")
OUTPUT_KEYS = ('"image/png"', '"image/jpeg"')  # base64 in notebooks


def machine_paths(path: Path) -> Iterator[str]:
    """Absolute paths below a personal or temporary folder, in a text file."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.lstrip().startswith(OUTPUT_KEYS) and (found := MACHINE_PATH.search(line)):
            yield f"{path.relative_to(ROOT).as_posix()}:{number}: path of one machine: {found[1]}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""

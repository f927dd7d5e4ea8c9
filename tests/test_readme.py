"""The README is executed: its commands run, in order, in one empty folder, and print what it shows."""

import difflib
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.readme_blocks import Block, blocks, commands, printed_as_shown
from tests.style.source import ROOT

PAGE = (ROOT / "README.md").read_text("utf-8")
BLOCKS = list(blocks(PAGE))
RUNNABLE = [block for block in BLOCKS if block.language in ("console", "python") or block.tag == "file"]
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Shell:
    """A folder in which commands run with our `crossmargin` and our Python first on the path."""

    folder: Path
    programs: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run one command line and capture what it prints."""
        path = f"{self.programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1"}
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    programs = tmp_path_factory.mktemp("programs")
    launcher = programs / "crossmargin"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m experiments.cli "$@"\n')
    launcher.chmod(0o755)
    return Shell(tmp_path_factory.mktemp("readme"), programs)


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: f"line-{block.line}")
def test_what_the_readme_shows_is_what_happens(block: Block, shell: Shell) -> None:
    if block.tag == "not run":
        pytest.skip(f"README line {block.line}: {block.value}")
    if block.tag == "file":
        (shell.folder / block.value).write_text(block.text)
    elif block.language == "python":
        check_python(block, shell)
    else:
        check_console(block, shell)


def check_console(block: Block, shell: Shell) -> None:
    steps = commands(block)
    for step in steps:
        is_last = step is steps[-1]
        expected = int(block.value) if block.tag == "exit code" and is_last else 0
        result = shell.run(step.text)
        printed = result.stdout + (result.stderr if expected else "")
        problem = f"README line {step.line}: exit {result.returncode}\n{result.stderr}"
        assert result.returncode == expected, problem
        assert_shown(step.line, step.shown, printed)


def check_python(block: Block, shell: Shell) -> None:
    script = shell.folder / f"readme_line_{block.line}.py"
    script.write_text(block.text)
    result = shell.run(f"python {script.name}")
    assert result.returncode == 0, f"README line {block.line}:\n{result.stderr}"
    following = BLOCKS[BLOCKS.index(block) + 1 :][:1]
    shown = list(following[0].lines) if following and following[0].tag == "output" else []
    assert_shown(block.line, shown, result.stdout)


def assert_shown(line: int, shown: list[str], printed: str) -> None:
    difference = "\n".join(difflib.ndiff(shown, printed.splitlines()))
    assert printed_as_shown(shown, printed), f"README line {line}: - is shown, + was printed\n{difference}"


def test_every_shell_block_is_a_console_block_that_can_be_run() -> None:
    unchecked = [block.line for block in BLOCKS if block.language in ("bash", "sh", "shell", "zsh", "pycon")]
    assert not unchecked, f"README lines {unchecked}: write ```console with '$ ' before each command"
    for block in BLOCKS:
        if block.language == "console":
            assert commands(block), f"README line {block.line}: empty console block"


def test_every_block_that_is_not_run_says_why() -> None:
    silent = [block.line for block in BLOCKS if block.tag == "not run" and not block.value]
    assert not silent, f"README lines {silent}: <!-- not run: reason -->"


# The reader of the page -------------------------------------------------------------------------------------

SAMPLE = """
# Page

```console
$ echo one \\
>   two
one two
$ true
```

<!-- not run: needs a browser -->

```console
$ open page.html
```

<!-- file: rule.py -->
```python
x = 1
```

```python
print(3)
```
<!-- output -->
```text
3
```

<!-- exit code: 2 -->
Some text in between.

```toml
seed = 1
```
"""


def test_blocks_are_found_with_line_language_and_tag() -> None:
    seen = [(block.line, block.language, block.tag, block.value) for block in blocks(SAMPLE)]
    assert seen == [
        (5, "console", "", ""),
        (14, "console", "not run", "needs a browser"),
        (19, "python", "file", "rule.py"),
        (23, "python", "", ""),
        (27, "text", "output", ""),
        (34, "toml", "", ""),
    ]


def test_a_console_block_is_split_into_commands_and_what_they_print() -> None:
    first, second = commands(next(blocks(SAMPLE)))
    assert (first.line, first.text, first.shown) == (5, "echo one \\\n  two", ["one two"])
    assert (second.line, second.text, second.shown) == (8, "true", [])


def test_output_before_the_first_command_is_refused() -> None:
    with pytest.raises(ValueError, match="line 3: a console block starts with"):
        commands(Block(3, "console", ("one two", "$ echo")))


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ([], "anything\n"),
        (["a 1.25", "b"], "a 1.25  \nb\n\n"),
        (["a", "...", "d"], "a\nb\nc\nd\n"),
        (["a", "...", "d"], "a\nd\n"),
        (["took ... s"], "took 1.3 s\n"),
        (["(a.b) [x] *"], "(a.b) [x] *\n"),
    ],
)
def test_output_that_agrees_passes(shown: list[str], printed: str) -> None:
    assert printed_as_shown(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (["a 1.25"], "a 1.26\n"),
        (["a"], "a\nb\n"),
        (["a", "b"], "a\n"),
        (["...", "d"], "a\nb\n"),
        (["took ... s"], "took 1.3\n"),
        (["axb"], "a.b\n"),
        (["a"], ""),
    ],
)
def test_output_that_differs_fails(shown: list[str], printed: str) -> None:
    assert not printed_as_shown(shown, printed)


def test_a_page_that_shows_another_number_is_caught(shell: Shell) -> None:
    check_console(Block(1, "console", ("$ echo 4.91", "4.91")), shell)
    with pytest.raises(AssertionError, match=r"README line 1: - is shown, \+ was printed"):
        check_console(Block(1, "console", ("$ echo 4.91", "4.92")), shell)
    with pytest.raises(AssertionError, match="README line 2: exit 3"):
        check_console(Block(2, "console", ("$ exit 3",)), shell)
    refused = ("$ true", "$ echo wrong >&2; exit 2", "wrong")
    check_console(Block(2, "console", refused, "exit code", "2"), shell)

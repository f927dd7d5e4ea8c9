"""The house style of the design, enforced: the repository obeys, and each rule bites on a planted breach.

The rules themselves are in `tests/style`. A complaint reads `file:line: what`, so an editor can jump to it.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.style import dangers, set_order, sizes, structure
from tests.style.paths import machine_paths
from tests.style.source import PACKAGES, ROOT, Source, sources, tracked_files

Check = Callable[[Source], Iterator[str]]

EVERYWHERE: list[Check] = [
    sizes.long_files,
    sizes.long_functions,
    structure.vague_names,
    structure.relative_imports,
]
IN_PACKAGES: list[Check] = [
    sizes.many_parameters,
    sizes.missing_annotations,
    structure.code_in_init,
    structure.traders_that_know_the_venue,
    dangers.forbidden_names,
    dangers.shell_calls,
    dangers.unseeded_generators,
]
ON_STATE_PATH: list[Check] = [set_order.set_iteration]


def complaints(check: Check, *folders: str) -> str:
    return "\n".join(line for source in sources(*folders) for line in check(source))


def found(check: Check, text: str, path: str = "simulation/example.py") -> list[str]:
    return list(check(Source(path, text)))


@pytest.mark.parametrize("check", EVERYWHERE, ids=lambda check: check.__name__)
def test_packages_and_tests_obey(check: Check) -> None:
    assert not (lines := complaints(check, *PACKAGES, "tests")), f"\n{lines}"


@pytest.mark.parametrize("check", IN_PACKAGES, ids=lambda check: check.__name__)
def test_packages_obey(check: Check) -> None:
    assert not (lines := complaints(check, *PACKAGES)), f"\n{lines}"


@pytest.mark.parametrize("check", ON_STATE_PATH, ids=lambda check: check.__name__)
def test_the_state_path_obeys(check: Check) -> None:
    assert not (lines := complaints(check, "simulation", "agents")), f"\n{lines}"


def test_no_module_imports_itself_round_a_corner() -> None:
    assert not (lines := "\n".join(structure.import_cycles(sources(*PACKAGES)))), f"\n{lines}"


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    lines = "\n".join(line for path in tracked_files() for line in machine_paths(path))
    assert not lines, f"\n{lines}"


def test_the_ratio_of_tests_to_code_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    code, tests = (_code_lines(sources(*folders)) for folders in (PACKAGES, ("tests",)))
    with capsys.disabled():
        print(f"\n{code:,} lines of code, {tests:,} lines of tests: {tests / max(code, 1):.2f} to 1")


def _code_lines(files: Iterable[Source]) -> int:
    """Lines that are neither blank nor only a comment."""
    texts = (line.strip() for file in files for line in file.text.splitlines())
    return sum(1 for line in texts if line and not line.startswith("#"))


# Each rule bites --------------------------------------------------------------------------------------------


def test_a_file_of_301_lines_is_too_long() -> None:
    assert not found(sizes.long_files, "x = 1\n" * 300)
    assert found(sizes.long_files, "x = 1\n" * 301) == [
        "simulation/example.py:301: file has 301 lines; at most 300"
    ]


def test_a_function_of_41_lines_is_too_long_but_its_docstring_does_not_count() -> None:
    docstring = '    """One.\n\n    Two.\n    """\n'
    assert not found(sizes.long_functions, "def f():\n" + docstring + "    x = 1\n" * 39)
    assert found(sizes.long_functions, "@decorated\ndef f():\n" + docstring + "    x = 1\n" * 40) == [
        "simulation/example.py:2: f has 41 lines; at most 40"
    ]


def test_six_parameters_are_too_many_and_self_is_not_one() -> None:
    assert not found(sizes.many_parameters, "class A:\n def f(self, a, b, c, d, *, e): ...")
    assert found(sizes.many_parameters, "def f(a, b, c, d, *, e, f): ...") == [
        "simulation/example.py:1: f has 6 parameters; at most 5"
    ]


def test_every_parameter_and_result_needs_a_type() -> None:
    assert not found(sizes.missing_annotations, "class A:\n def f(self, a: int, *rest: int) -> None: ...")
    assert found(sizes.missing_annotations, "def f(\n    a,\n    **rest,\n): ...") == [
        "simulation/example.py:2: parameter a of f has no type",
        "simulation/example.py:3: parameter rest of f has no type",
        "simulation/example.py:1: result of f has no type",
    ]


@pytest.mark.parametrize(
    "path", ["utils.py", "price_helpers.py", "data.py", "manager/base.py", "data/__init__.py"]
)
def test_vague_module_names_are_refused(path: str) -> None:
    assert found(structure.vague_names, "", f"simulation/{path}")


@pytest.mark.parametrize("path", ["price/base.py", "market_data.py", "__init__.py", "utility.py"])
def test_names_that_say_something_pass(path: str) -> None:
    assert not found(structure.vague_names, "", f"simulation/{path}")


def test_a_package_init_holds_re_exports_only() -> None:
    allowed = '"""Doc."""\nfrom a import b\n__all__ = ["b"]\ndef __getattr__(name: str) -> object: ...\n'
    assert not found(structure.code_in_init, allowed, "agents/__init__.py")
    assert found(structure.code_in_init, allowed + "b()\n", "agents/__init__.py") == [
        "agents/__init__.py:5: code in __init__; only re-exports belong here"
    ]
    assert not found(structure.code_in_init, "b()\n", "agents/trader.py")


def test_a_trader_may_not_know_the_exchange() -> None:
    trader = "from agents.clearing import Clearing\nclass A:\n def decide(self): ..."
    assert found(structure.traders_that_know_the_venue, trader, "agents/contrarian.py") == [
        "agents/contrarian.py:1: a trader imports agents.clearing; its market view must do"
    ]
    desk = trader.replace("decide", "step")
    assert not found(structure.traders_that_know_the_venue, desk, "agents/desk.py")


def test_relative_imports_are_refused() -> None:
    assert found(structure.relative_imports, "from .base import Rule")
    assert not found(structure.relative_imports, "from simulation.price.base import Rule")


def test_import_cycles_are_found_even_when_late_or_only_for_types() -> None:
    ring = [
        Source("simulation/a.py", "from simulation.b import x"),
        Source("simulation/b.py", "def f():\n    import simulation.c"),
        Source("simulation/c.py", "if TYPE_CHECKING:\n    from simulation import a"),
        Source("simulation/d.py", "from simulation.a import x"),
    ]
    assert list(structure.import_cycles(ring)) == [
        "simulation/a.py:1: import cycle: simulation.a <-> simulation.b <-> simulation.c"
    ]
    assert not list(structure.import_cycles([ring[0], ring[1], ring[3]]))


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "import pickle",
        "from pickle import loads",
        "import os\nos.system('ls')",
        "import random",
        "from random import random as r",
        "import numpy as np\nnp.random.seed(1)",
        "from numpy.random import default_rng as rng\nrng(1)",
        "import numpy.random\nx = numpy.random.rand",
        "import time\ntime.perf_counter()",
        "import datetime as dt\ndt.datetime.now()",
        "import os\nos.environ['SEED']",
        "hash('BTC')",
    ],
)
def test_forbidden_names_are_found_on_the_state_path_under_any_alias(text: str) -> None:
    assert found(dangers.forbidden_names, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("simulation/random.py", "import numpy as np\nnp.random.Philox(key=1)"),
        ("experiments/statistics.py", "import numpy as np\nnp.random.default_rng(seed)"),
        ("experiments/bench/step.py", "import time\ntime.perf_counter()"),
        ("simulation/model.py", "from simulation.random import Streams\nStreams(1).uniform('x', 0, 1)"),
        ("simulation/model.py", "import numpy as np\ndef f(rng: np.random.Generator) -> None: ..."),
        ("agents/trader.py", "import re\nre.compile('x')\nself.random.choice()"),
    ],
)
def test_harmless_names_pass(path: str, text: str) -> None:
    assert not found(dangers.forbidden_names, text, path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("simulation/random.py", "import numpy as np\nnp.random.seed(1)"),
        ("experiments/bench/step.py", "import time\ntime.time()"),
        ("experiments/store.py", "import numpy as np\nnp.random.default_rng(1)"),
    ],
)
def test_no_exemption_reaches_further_than_meant(path: str, text: str) -> None:
    assert found(dangers.forbidden_names, text, path)


def test_shells_pickled_arrays_and_unseeded_generators_are_found() -> None:
    assert found(dangers.shell_calls, "run('ls', shell=True)")
    assert found(dangers.shell_calls, "import numpy as np\nnp.load(p, allow_pickle=flag)")
    assert not found(dangers.shell_calls, "run(['ls'], shell=False)")
    assert found(dangers.unseeded_generators, "import numpy as np\nnp.random.default_rng()")
    assert not found(dangers.unseeded_generators, "import numpy as np\nnp.random.default_rng(7)")


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: ...",
        "names = set(rows)\nfor name in names: ...",
        "def f(hit: set[str]):\n    return [x for x in hit]",
        "class A:\n def f(self):\n  self.hit: frozenset[int] = frozenset()\n  return list(self.hit)",
        "a = {1}\nb = {2}\ntotal = sum(a | b)",
        "x = ','.join({'a', 'b'})",
        "x = [*{1, 2}]",
    ],
)
def test_reading_a_set_in_its_own_order_is_found(text: str) -> None:
    assert found(set_order.set_iteration, text)


@pytest.mark.parametrize(
    "text",
    [
        "for x in sorted({1, 2}): ...",
        "hit = set(rows)\nworst = max(x for x in hit)",
        "hit = {1}\nbigger = {x + 1 for x in hit}\nif 2 in hit: ...",
        "rows = {1: 2}\nfor row in rows: ...",
        "x = a - b\nfor item in [x]: ...",
    ],
)
def test_order_blind_uses_of_a_set_pass(text: str) -> None:
    assert not found(set_order.set_iteration, text)


def test_machine_paths_are_found_and_web_addresses_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.style.paths.ROOT", tmp_path)
    path = tmp_path / "notes.md"
    folder = "/".join(("", "home", "someone", "runs"))
    path.write_text(f"fine: https://example.org{folder}\nresults are in {folder}\n")
    assert list(machine_paths(path)) == [f"notes.md:2: path of one machine: {folder}"]


def test_the_rules_look_at_real_files() -> None:
    assert (ROOT / "pyproject.toml").is_file()
    assert len(sources("simulation")) > 1

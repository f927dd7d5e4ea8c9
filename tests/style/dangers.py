"""Names that must not occur: code from data, hidden randomness, clocks, and sets where order matters.

The state path is everything a run's numbers pass through, `simulation` and `agents`; there a clock, the
process environment or the order of a set would make two equal runs differ.
"""

import ast
from collections.abc import Iterator

from tests.style.source import Source

STATE_PATH = ("simulation/", "agents/")
RUNS_CODE = "runs code from data"
ANYWHERE = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__", "os.system", "os.popen"), RUNS_CODE),
    **dict.fromkeys(("pickle", "marshal", "shelve", "dill", "cloudpickle", "pandas.read_pickle"), RUNS_CODE),
    **dict.fromkeys(("yaml.load", "yaml.unsafe_load"), RUNS_CODE),
    **dict.fromkeys(("random", "secrets", "uuid", "os.urandom"), "randomness outside the keyed streams"),
    "time.time": "wall clock; time.perf_counter measures durations",
}
ON_STATE_PATH = {
    **dict.fromkeys(("time", "datetime"), "clock on the state path"),
    **dict.fromkeys(("os.environ", "os.getenv", "platform", "socket"), "environment on the state path"),
    **dict.fromkeys(("hash", "id"), "differs between processes"),
}
# The keyed streams, and resampling of finished results with a seed given by the caller.
RANDOM_HOMES = ("simulation/random.py", "experiments/statistics")
GLOBAL_STATE = ("seed", "rand", "randn", "random", "normal", "uniform", "choice", "shuffle", "RandomState")
GENERATOR_TYPE = "numpy.random.Generator"
SEEDED = {f"numpy.random.{kind}" for kind in ("default_rng", "Philox", "PCG64", "SeedSequence")}


def forbidden_names(source: Source) -> Iterator[str]:
    """Uses and imports of forbidden names, under whatever alias."""
    forbidden = ANYWHERE | (ON_STATE_PATH if source.path.startswith(STATE_PATH) else {})
    for line, name in _used_names(source.tree):
        for bad, why in forbidden.items():
            if name == bad or name.startswith(f"{bad}."):
                yield source.at(line, f"{name}: {why}")
        if reason := _random_reason(source, name):
            yield source.at(line, f"{name}: {reason}")


def shell_calls(source: Source) -> Iterator[str]:
    """Calls with `shell=True` or `allow_pickle=True`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in ("shell", "allow_pickle"):
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            yield from [] if off else [source.at(node.value.lineno, f"{node.arg}=True: {RUNS_CODE}")]


def unseeded_generators(source: Source) -> Iterator[str]:
    """Generators made without a seed, anywhere."""
    aliases = _aliases(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            name = _dotted(node.func, aliases)
            if name in SEEDED:
                yield source.at(node.lineno, f"{name}(): needs an explicit seed")


def _random_reason(source: Source, name: str) -> str:
    if not name.startswith("numpy.random.") or name == GENERATOR_TYPE:
        return ""
    if name.split(".")[2] in GLOBAL_STATE:
        return "global random state"
    return "" if source.path.startswith(RANDOM_HOMES) else "randomness outside the keyed streams"


def _used_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute) and (name := _dotted(node, aliases)):
            yield node.lineno, name
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, aliases.get(node.func.id, f"{node.func.id}")


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `np` is `numpy`, `rng` may be `numpy.random.default_rng`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:  # `import a.b` binds `a`; `import a.b as c` binds `c` to a.b
                head = alias.name.split(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """The full name of an attribute chain that starts at an imported name, else nothing."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value, aliases)):
        return f"{head}.{node.attr}"
    return ""

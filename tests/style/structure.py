"""Structure: module names that say something, packages without code, absolute imports, no import cycle."""

import ast
from collections.abc import Iterable, Iterator

import networkx as nx

from tests.style.source import Source

VAGUE_WORDS = {"util", "utils", "manager", "managers", "handler", "handlers", "helper", "helpers"}
VAGUE_NAMES = {"data", "common", "misc", "stuff", "tools"}
LAZY_EXPORTS = ("__getattr__", "__dir__")
# What a trader may not see: the market and its own rows are all it needs, so no cycle, even for types.
VENUE = ("exchange", "clearing", "desk", "liquidation", "liquidator", "waterfall", "backstop")


def vague_names(source: Source) -> Iterator[str]:
    """Modules and folders whose name could hold anything."""
    for part in source.module.split("."):
        if part in VAGUE_NAMES or VAGUE_WORDS & set(part.split("_")):
            yield source.at(1, f"'{part}' says nothing; name the module after its concept")


def code_in_init(source: Source) -> Iterator[str]:
    """Statements of an `__init__` other than docstring, imports, `__all__`-like names and lazy exports."""
    if source.path.endswith("__init__.py"):
        for statement in source.tree.body:
            if not _belongs_in_init(statement):
                yield source.at(statement.lineno, "code in __init__; only re-exports belong here")


def traders_that_know_the_venue(source: Source) -> Iterator[str]:
    """Files of trader types (a class that defines `decide`) which import a part of the exchange."""
    venue = {f"agents.{name}" for name in VENUE}
    if any(function.name == "decide" for function in source.functions()):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module in venue:
                yield source.at(node.lineno, f"a trader imports {node.module}; its market view must do")


def relative_imports(source: Source) -> Iterator[str]:
    """Imports that start with a dot."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield source.at(node.lineno, "relative import; write the whole path")


def import_cycles(files: Iterable[Source]) -> Iterator[str]:
    """Groups of modules that import each other, late imports and imports for types included."""
    files = list(files)
    names = {file.module for file in files}
    graph = nx.DiGraph((file.module, target) for file in files for target in _imports(file, names))
    for knot in nx.strongly_connected_components(graph):
        if len(knot) > 1 or any(graph.has_edge(name, name) for name in knot):
            first = next(file for file in files if file.module == min(knot))
            yield first.at(1, f"import cycle: {' <-> '.join(sorted(knot))}")


def _imports(source: Source, names: set[str]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in names or node.module in names:
                    yield inner if inner in names else node.module


def _belongs_in_init(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name.startswith("__")
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return all(isinstance(inner, ast.Import | ast.ImportFrom) for inner in statement.body)
        case ast.FunctionDef(name=name):
            return name in LAZY_EXPORTS
    return False

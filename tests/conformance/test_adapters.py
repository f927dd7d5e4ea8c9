"""Adapters translate: they hold no formula, so that what passes is the engine's doing."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import experiments.conformance
from experiments.conformance.venues import known_adapters

FOLDER = Path(experiments.conformance.__file__).parent
MACHINERY = {"__init__", "case", "comparison", "reading", "run", "venues"}
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in MACHINERY)
CONVERSIONS = (ast.Mult, ast.Div)  # of units, by a constant with a name
PRODUCTS = (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
FUNCTIONS = {"exp", "log", "log1p", "expm1", "sqrt", "power", "maximum", "minimum", "clip", "cumsum", "dot", "interp"}
FORMULAS = """
def answer(case):
    worth = case.inputs["size"] * case.inputs["price"]
    more = np.maximum(worth, 0.0) + np.exp(1.0)
    total = 0.0
    total *= worth
    return worth ** 2.0 - 5 / 3
"""
TRANSLATIONS = """
_DAYS = 365.0
_SCALE = 1e18
_SIGN = {"buy": 1.0, "sell": -1.0}
def answer(case):
    units = _SIGN[case.inputs["side"]] * case.inputs["size"]
    years = case.inputs["days"] / _DAYS
    owed = -case.inputs["debt"] / 1e6
    names = ["a"] + list(case.inputs)
    text = "x" + f"{years}" + "%d" % 3
    left = case.inputs["balance"] - owed
    answer = {"y": years} | {"z": owed}
    return {"size": len(names) * [0.0], "old": case.inputs["raw"] * _SCALE}
"""


def formulas(tree: ast.AST) -> Iterator[str]:
    """Lines that compute: products of two things that may both be numbers of a case, and mathematics.

    Sums and differences are bookkeeping between the steps of a case: what one account hands another.
    """
    for node in ast.walk(tree):
        if _computes(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]


def _computes(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=op):
            return isinstance(op, PRODUCTS) and not _translates(node)
        case ast.AugAssign(op=op):
            return isinstance(op, PRODUCTS)
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in FUNCTIONS
    return False


def _translates(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    if any(isinstance(side, ast.List | ast.Tuple | ast.JoinedStr | ast.ListComp) or _is_text(side) for side in sides):
        return True
    if all(isinstance(side, ast.Constant) for side in sides):
        return False
    return isinstance(node.op, CONVERSIONS) and any(_is_unit(side) for side in sides)


def _is_text(node: ast.expr) -> bool:
    inner = node.left if isinstance(node, ast.BinOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, str)


def _is_unit(node: ast.expr) -> bool:
    node = node.value if isinstance(node, ast.Subscript) else node  # a table of constants, such as signs by word
    named = isinstance(node, ast.Name) and node.id.strip("_").isupper()
    return named or (isinstance(node, ast.Constant) and isinstance(node.value, int | float))


@pytest.mark.parametrize("module", MODULES)
def test_an_adapter_holds_no_formula(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))
    assert list(formulas(tree)) == []


def test_formulas_are_found_and_translations_are_not() -> None:
    assert len(list(formulas(ast.parse(FORMULAS)))) == 6
    assert list(formulas(ast.parse(TRANSLATIONS))) == []


@pytest.mark.parametrize("module", MODULES)
def test_each_adapter_module_says_what_it_answers(module: str) -> None:
    loaded = importlib.import_module(f"experiments.conformance.{module}")
    for key, answer in getattr(loaded, "ADAPTERS", {}).items():
        assert len(key) == 2 and all(isinstance(part, str) for part in key)
        assert callable(answer)
        assert known_adapters()[key] is answer, "two modules answer the same kind"

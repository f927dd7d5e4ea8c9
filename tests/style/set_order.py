"""Iteration over sets: the order of strings in a set differs between processes; it may not reach a result."""

import ast
from collections.abc import Iterator

from tests.style.source import Source

ORDER_BLIND = {"sorted", "min", "max", "any", "all", "len", "set", "frozenset"}
ORDER_BOUND = {"list", "tuple", "enumerate", "iter", "sum", "zip", "map", "array", "fromiter", "join", "fsum"}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}


def set_iteration(source: Source) -> Iterator[str]:
    """Places where a set's order could reach a result; `sorted(...)` is the cure."""
    tree = source.tree
    known = _set_names(tree)
    blind = {id(argument) for call in _calls(tree, ORDER_BLIND) for argument in call.args}
    for node in ast.walk(tree):
        if any(_is_set(item, known) for item in _ordered_reads(node, blind)):
            yield source.at(getattr(node, "lineno", 1), "order of a set reaches a result; use sorted(...)")


def _ordered_reads(node: ast.AST, blind: set[int]) -> list[ast.expr]:
    """The expressions that `node` reads one by one, in their order."""
    match node:
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
            return [] if id(node) in blind else [part.iter for part in node.generators]
        case ast.Starred():
            return [node.value]
        case ast.Call() if _called(node) in ORDER_BOUND and id(node) not in blind:
            return list(node.args)
    return []


def _is_set(node: ast.expr, known: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in SET_METHODS:
            return _is_set(owner, known)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(node.left, known) or _is_set(node.right, known)
        case ast.Name() | ast.Attribute():
            return ast.unparse(node) in known
    return False


def _set_names(tree: ast.Module) -> set[str]:
    """Names and attributes that are bound to sets only."""
    sets: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value):
                (sets if _is_set(value, sets) else others).add(ast.unparse(target))
            case ast.AnnAssign():
                (sets if _says_set(node.annotation) else others).add(ast.unparse(node.target))
            case ast.arg():
                (sets if _says_set(node.annotation) else others).add(node.arg)
    return sets - others


def _says_set(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).split("[")[0].lower() in {"set", "frozenset"}


def _calls(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) in names)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", None) or getattr(call.func, "attr", "")

"""Sizes and signatures: short files, short functions, few parameters, everything annotated."""

import ast
from collections.abc import Iterator

from tests.style.source import Function, Source

FILE_LINES = 300
FUNCTION_LINES = 40
PARAMETERS = 5
ITSELF = ("self", "cls", "mcs")


def long_files(source: Source) -> Iterator[str]:
    """Files above the limit."""
    if source.lines > FILE_LINES:
        yield source.at(FILE_LINES + 1, f"file has {source.lines} lines; at most {FILE_LINES}")


def long_functions(source: Source) -> Iterator[str]:
    """Functions above the limit; decorators and the docstring do not count."""
    for function in source.functions():
        length = _lines(function) - _docstring_lines(function)
        if length > FUNCTION_LINES:
            yield source.at(function.lineno, f"{function.name} has {length} lines; at most {FUNCTION_LINES}")


def many_parameters(source: Source) -> Iterator[str]:
    """Functions that take too much at once; `self` does not count, keyword-only parameters do."""
    for function in source.functions():
        count = sum(1 for argument in _arguments(function) if argument.arg not in ITSELF)
        if count > PARAMETERS:
            yield source.at(function.lineno, f"{function.name} has {count} parameters; at most {PARAMETERS}")


def missing_annotations(source: Source) -> Iterator[str]:
    """Parameters and results without a type."""
    for function in source.functions():
        extra = [item for item in (function.args.vararg, function.args.kwarg) if item]
        for argument in [*_arguments(function), *extra]:
            if argument.annotation is None and argument.arg not in ITSELF:
                yield source.at(argument.lineno, f"parameter {argument.arg} of {function.name} has no type")
        if function.returns is None:
            yield source.at(function.lineno, f"result of {function.name} has no type")


def _arguments(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _docstring_lines(function: Function) -> int:
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    return _lines(first) if has_docstring else 0


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1

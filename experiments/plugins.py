"""Plug-ins: the only way code comes in. A module or a `.py` file that somebody named, never something a file says."""

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from simulation.errors import InputError, shown

_PREFIX = "crossmargin_plugin_"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_loaded: dict[str, str] = {}  # what was named -> name of its module


def loaded() -> tuple[str, ...]:
    """Return what `load_plugins` has loaded, for worker processes to load again."""
    return tuple(_loaded)


def load_plugins(names: Iterable[str]) -> None:
    """Import modules or `.py` files, so that scenarios can name the traders and rules they define.

    Raises `InputError` if one cannot be imported, defines neither a trader nor a rule, or takes a kind that exists.
    """
    for name in names:
        path = _path(name)
        if path in _loaded:
            continue
        label = f"--plugin {shown(name, 200)[1:-1]}"
        before, there = _kinds(), set(sys.modules)
        try:
            module = _from_file(Path(path), label) if path.endswith(".py") else _from_module(path, label)
            _check(module, before, label)
        except InputError:
            _forget_new_kinds(before)
            for module_name in set(sys.modules) - there:  # so that it can be corrected and loaded again
                if module_name.startswith(_PREFIX):
                    del sys.modules[module_name]
            raise
        _loaded[path] = module.__name__


def _path(name: str) -> str:
    return str(Path(name).resolve()) if name.endswith(".py") or "/" in name else name


def _from_module(name: str, label: str) -> ModuleType:
    if not _MODULE.fullmatch(name):
        raise InputError("must be the name of a module or a file that ends in .py", label)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f"; hint: a file is named with its ending, {name}.py" if Path(f"{name}.py").is_file() else ""
            raise InputError(f"no such module{hint}", label) from None
        raise _failure(error, label) from None
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        raise _failure(error, label) from None


def _from_file(path: Path, label: str) -> ModuleType:
    if not path.is_file():
        raise InputError("file not found", label)
    name = f"{_PREFIX}{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    if name in sys.modules:
        raise InputError("another plug-in of that name is loaded; rename one", label)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "every .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that its classes can be pickled and its source be shown
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        if isinstance(error, Exception):
            raise _failure(error, label) from None
        raise
    return module


def _failure(error: Exception, label: str) -> InputError:
    """Return what went wrong in a plug-in, in one line with the place."""
    if isinstance(error, SyntaxError):
        return InputError(f"line {error.lineno}: {error.msg}", label)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).stem == Path(label.rsplit(maxsplit=1)[-1]).stem]
    place = f"line {own[-1]}: " if own else ""
    text = str(error).split("\n")[0].strip()
    return InputError(f"{place}{type(error).__name__}: {shown(text, 200)[1:-1]}", label)


def _check(module: ModuleType, before: dict[tuple[type, str], type], label: str) -> None:
    """Raise unless `module` brings a trader or rule, each under a kind of its own."""
    own = {value for value in vars(module).values() if isinstance(value, type)}
    brought = [key for key, cls in _kinds().items() if cls in own]
    for key, cls in _kinds().items():
        if key in before and before[key] is not cls:
            family, kind = key
            raise InputError(f"{cls.__name__}: kind '{kind}' of {family.__name__} is taken; choose another", label)
    if not brought:
        raise InputError("defines neither a trader nor a rule with a `kind`", label)


def _forget_new_kinds(before: dict[tuple[type, str], type]) -> None:
    """Take their names from the traders and rules of a plug-in that was refused."""
    for key, cls in _kinds().items():
        if before.get(key) is not cls:
            cls.kind = ""


def _kinds() -> dict[tuple[type, str], type]:
    """Return every trader and rule by family and kind."""
    from agents.cast import trader_types
    from agents.trader import Trader
    from simulation.rule import Rule
    from simulation.scenario import Scenario  # noqa: F401 - it loads the rules that come with CrossMargin

    found: dict[tuple[type, str], type[Any]] = {(Trader, kind): cls for kind, cls in trader_types().items()}
    for family in Rule.__subclasses__():
        found |= {(family, kind): cls for kind, cls in family.kinds().items()}
    return found

"""`from experiments import run, compare, load, check`: functions, although some share the name of their module.

Importing `experiments.run` sets the attribute `run` of the package to that module. The package is therefore given a
class on which these names are properties: reading one imports its function, and the import system's own assignment is
ignored. Nothing heavy is imported before a name is used.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

HOMES = {
    "run": "experiments.run",
    "compare": "experiments.compare",
    "load": "experiments.scenarios",
    "check": "experiments.description",
    "read_prices": "experiments.prices",
    "load_plugins": "experiments.plugins",
    "explain": "experiments.causes.explain",
    "contagion": "experiments.contagion.study",
    "impulse": "experiments.impulse.impulse",
    "warn": "experiments.warning.warned",
    "loops": "experiments.loops.loops",
}


def _property(name: str) -> property:
    def read(_: ModuleType) -> Any:
        return getattr(importlib.import_module(HOMES[name]), name)

    def ignore(_: ModuleType, __: ModuleType) -> None:
        """Take the module that the import system offers, and leave the function in place."""

    return property(read, ignore)


Package = type("Package", (ModuleType,), {name: _property(name) for name in HOMES})


def install(package: str) -> list[str]:
    """Give `package` its lazy functions, and return their names."""
    sys.modules[package].__class__ = Package
    return list(HOMES)

"""The theory suite: every published result that is a special case of the simulator, found, run and judged.

Question: does the engine, set up as a paper sets up its model, give the paper's numbers? Method: a target is a small
frozen object whose fields are its parameters; its formula is computed for those parameters, never copied. It runs
ordinary scenarios or rules of the public engine and returns checks with tolerances fixed beforehand. Expected: all
pass, and a mistake of 2 % in impact, margin, fills or deleveraging prices fails several of them.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import pandas as pd
from pydantic import ValidationError

import experiments.theory
from experiments.drawing import Picture
from experiments.target import Check, table, verdict
from simulation.errors import CrossMarginError, InputError, nearest, shown
from simulation.problems import problem_lines
from simulation.strict import Strict

Tier = Literal["fast", "slow"]
_NORMAL_95 = 1.959963984540054
_REGISTRY: "dict[str, type[Target]]" = {}


class Target(Strict):
    """A published result with its parameters as fields.

    name: its number, as T1; title: what is claimed; source: who published it; formula: what is expected. tier: `fast`
    runs on every change, `slow` on request. thorough: parameters of the slow tier, as long as the caller says nothing
    else; a fast target without them runs there as it is.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    formula: ClassVar[str]
    tier: ClassVar[Tier] = "fast"
    thorough: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the target under its name."""
        super().__init_subclass__(**kwargs)
        if cls.__name__.startswith("_"):  # a family, not a target
            return
        known = _REGISTRY.get(cls.name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise InputError(f"{cls.__name__}: target {cls.name!r} is taken by {known.__name__}")
        _REGISTRY[cls.name] = cls

    def run(self) -> list[Check]:
        """Return the checks of these parameters."""
        raise NotImplementedError

    def picture(self) -> Picture | None:
        """Return a picture of theory and simulation of its own, if the table of deviations does not say enough."""
        return None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the target with these parameters; refuse unknown and impossible ones."""
        unknown = sorted(set(parameters) - set(cls.model_fields))
        if unknown:
            known = ", ".join(cls.model_fields) or "none"
            raise InputError(f"{cls.name}: no parameter {shown(unknown[0])}; known: {known}")
        try:
            return cls(**parameters)
        except ValidationError as error:
            raise InputError([f"{cls.name}: {line}" for line in problem_lines(error, cls)]) from None


@dataclass(frozen=True)
class Result:
    """One target, run: its checks, the seconds it took, and what stopped it, if anything did."""

    target: Target
    checks: Sequence[Check]
    seconds: float
    stopped: str = ""

    @property
    def passed(self) -> bool:
        """Whether it ran to its end and all checks passed."""
        return not self.stopped and verdict(self.checks)

    @property
    def worst(self) -> float:
        """Return the largest deviation in units of its tolerance; inf where no deviation is tolerated and one is."""
        return max((deviation(check) for check in self.checks), default=float("inf"))


def deviation(check: Check) -> float:
    """Return |simulated - expected| / tolerance; 0 for an identity that holds to rounding, inf for one that fails."""
    if check.tolerance > 0.0:
        return abs(check.simulated - check.expected) / check.tolerance
    return 0.0 if check.passed else float("inf")


def interval(check: Check) -> tuple[float, float]:
    """Return the 95 % interval of the simulated number; a point where every run gives the same."""
    half = _NORMAL_95 * check.standard_error
    return check.simulated - half, check.simulated + half


def targets() -> "dict[str, type[Target]]":
    """Return all targets by name, in the order of their numbers; looks into every module of theory."""
    for module in pkgutil.iter_modules(experiments.theory.__path__):
        importlib.import_module(f"experiments.theory.{module.name}")
    return dict(sorted(_REGISTRY.items(), key=lambda item: _number(item[0])))


def chosen(names: Iterable[str] = (), slow: bool = False) -> "list[type[Target]]":
    """Return the targets that `names` ask for; none means all of the fast tier, and with `slow` really all.

    T4 stands for T4 and its variants T4.cross, T4.isolated.
    """
    known, wanted = targets(), [name.upper() for name in names]
    for name in wanted:
        if not any(_answers(key, name) for key in known):
            hint = nearest(name, [key.upper() for key in known])
            raise InputError(f"target: must be one of {', '.join(known)} (got {shown(name)}){hint}")
    return [
        target
        for key, target in known.items()
        if any(_answers(key, name) for name in wanted) or (not wanted and (slow or target.tier == "fast"))
    ]


def run_target(target: type[Target], parameters: Mapping[str, Any] | None = None, slow: bool = False) -> Result:
    """Run one target; what the engine refuses or notices itself is a failed result, not a crash."""
    asked = target.of({**(target.thorough if slow else {}), **(parameters or {})})
    start = time.perf_counter()
    try:
        checks, stopped = asked.run(), ""
    except InputError:
        raise
    except CrossMarginError as error:
        checks, stopped = [], f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Result(asked, checks, time.perf_counter() - start, stopped)


def summary(results: Sequence[Result]) -> pd.DataFrame:
    """Return one row a target: name, title, checks, passed, worst deviation in tolerances, seconds, verdict."""
    rows = [
        {
            "target": result.target.name,
            "title": result.target.title,
            "checks": len(result.checks),
            "passed": sum(check.passed for check in result.checks),
            "worst": result.worst,
            "seconds": result.seconds,
            "verdict": "pass" if result.passed else "FAIL",
        }
        for result in results
    ]
    return pd.DataFrame(rows)


def all_checks(results: Sequence[Result]) -> pd.DataFrame:
    """Return one row a check: expected, simulated, 95 % interval (low, high), tolerance, passed, and the target."""
    parts = []
    for result in results:
        if result.checks:
            part = table(result.checks)
            bounds = [interval(check) for check in result.checks]
            part.insert(3, "low", [low for low, _ in bounds])
            part.insert(4, "high", [high for _, high in bounds])
            part.insert(0, "target", result.target.name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else table([])


def _answers(key: str, name: str) -> bool:
    return key.upper() == name or key.upper().startswith(f"{name}.")


def _number(name: str) -> tuple[bool, str, int, str]:
    found = re.match(r"(\D*)(\d*)(.*)", name)
    assert found is not None
    letters, digits, variant = found.groups()
    return letters != "T", letters, int(digits or 0), variant

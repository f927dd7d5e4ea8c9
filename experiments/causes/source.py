"""What is to be explained: a scenario, or the run behind a results folder. Light, so that a mistake is told at once."""

import json
from pathlib import Path
from typing import Any

from experiments.scenarios import load
from simulation.errors import InputError
from simulation.scenario import Scenario

_WORST = {"regime": None, "design": None, "seed": None}  # what a manifest says of the worst run of a comparison


def source_of(run: Any) -> tuple[Scenario, str]:
    """Return the scenario behind `run` and the name of its storm ("" where none is known).

    `run` is a results folder, a scenario (name, file, data) or a `Run`. Of a comparison it is the worst run. Raises
    `InputError` for what does not exist.
    """
    if isinstance(getattr(run, "scenario", None), Scenario):
        return run.scenario, run.digest
    folder = Path(run) if isinstance(run, str | Path) else None
    if folder is None or not folder.is_dir():
        return load(str(run) if isinstance(run, Path) else run), ""
    source = folder / "scenario.toml"
    if not source.is_file():
        raise InputError(f"{folder}: holds no scenario.toml; must be a folder written by crossmargin run or compare")
    scenario, manifest = load(str(source)), _manifest(folder)
    worst = manifest.get("shown", {}).get("worst")
    if not worst:
        return scenario, str(manifest.get("digest", ""))
    from experiments.arms import DESIGNS, Plan

    plan = Plan()
    arm = plan.arm(scenario, worst["regime"], DESIGNS.get(worst["design"], 0.0))
    return plan.variant(scenario, arm).seeded(int(worst["seed"])), str(
        manifest.get("digests", {}).get(str(worst["seed"]), "")
    )


def check_storm(run: Any, digest: str, repeated: str) -> None:
    """Raise `InputError` unless the storm that was `repeated` is the one that `run` knows by `digest` ("": unknown)."""
    if digest and repeated != digest:
        raise InputError(f"{run}: its storm cannot be repeated; it was written by another version")


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest; without it nobody knows which of the runs of a comparison is the worst."""
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = {"shown": None}
    shown = found.get("shown", {}) if isinstance(found, dict) else None
    worst = shown.get("worst", _WORST) if isinstance(shown, dict) else None
    if not (isinstance(worst, dict) and worst.keys() >= _WORST.keys()):
        raise InputError(f"{path}: missing or damaged; must be as crossmargin run or compare wrote it")
    return dict(found)

"""What an impulse study leaves in its results folder: pictures, and the numbers behind them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.impulse.impulse import Impulse
from experiments.impulse.picture import matrix_picture, path_picture
from experiments.results import scenario_toml
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from simulation.scenario import Scenario


def save_impulse(
    found: Impulse, scenario: Scenario, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()
) -> Path:
    """Write text, tables, pictures and the scenario to the folder `out`; raises `StoreError` if it cannot."""
    extra = {"shock": asdict(found.shock), "regimes": list(found.paths), "markets": list(found.markets)}
    with results_folder(out, Provenance(scenario.to_dict(), list(found.seeds), command, extra), overwrite) as folder:
        write_bytes(folder / "scenario.toml", scenario_toml(scenario).encode())
        write_bytes(folder / "impulse.txt", f"{found}\n".encode())
        write_table(found.table(), folder / "responses")
        write_table(found.summary(), folder / "summary")
        for picture in (matrix_picture(found), path_picture(found)):
            write_bytes(folder / f"{picture.name}.png", picture.png)
    return Path(out)

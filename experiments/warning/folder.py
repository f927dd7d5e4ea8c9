"""What warnings leave in a results folder: of one run its readings and matrices, of many populations what came."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.results import scenario_toml
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from experiments.warning.picture import study_picture
from experiments.warning.study import Study
from experiments.warning.warned import Warned, warning_picture
from simulation.arrays import Array

__all__ = ["matrix_table", "save_study", "save_warning"]


def save_warning(warned: Warned, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write readings, matrix, forced volume and picture to `out`, all or nothing; raises `StoreError` if it cannot."""
    seeds, extra = [warned.scenario.seed], {"digest": warned.digest}
    provenance = Provenance(warned.scenario.to_dict(), seeds, command, extra)
    with results_folder(out, provenance, overwrite) as folder:
        write_bytes(folder / "scenario.toml", scenario_toml(warned.scenario).encode())
        write_table(warned.readings, folder / "readings")
        write_table(matrix_table(warned), folder / "matrix")
        write_table(pair_table(warned.groups, warned.class_matrix), folder / "class_matrix")
        write_table(warned.classes, folder / "classes")
        forced = pd.DataFrame({"step": range(len(warned.forced)), "forced": warned.forced})
        write_table(forced, folder / "forced_volume")
        write_bytes(folder / "early_warning.png", warning_picture(warned).png)
    return Path(out)


def save_study(found: Study, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write means, single books, text and picture to `out`, all or nothing; raises `StoreError` if it cannot."""
    book = found.book
    seeds = sorted({1 + population for population in found.books["population"]})
    with results_folder(out, Provenance(book.scenario().to_dict(), seeds, command), overwrite) as folder:
        write_bytes(folder / "outcomes.txt", f"{found}\n".encode())
        write_bytes(folder / "outcomes.png", study_picture(found).png)
        write_table(found.means, folder / "means")
        write_table(found.books, folder / "books")
    return Path(out)


def matrix_table(warned: Warned) -> pd.DataFrame:
    """Return one row a pair of markets: sold, forced_out, dollars of the second per dollar sold of the first."""
    return pair_table(warned.scenario.names, warned.matrix)


def pair_table(names: Sequence[str], matrix: Array) -> pd.DataFrame:
    """Return one row a pair of `names` (n,) of `matrix` (n, n): sold, forced_out, dollars_per_dollar."""
    rows = [(a, b, float(matrix[i, j])) for i, a in enumerate(names) for j, b in enumerate(names)]
    return pd.DataFrame(rows, columns=["sold", "forced_out", "dollars_per_dollar"]).astype(
        {"sold": "str", "forced_out": "str"}
    )

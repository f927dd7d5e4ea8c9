"""The results folder of a comparison: tables, scenario, figures, graphs and report, complete or absent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.comparison import Compared
from experiments.figures import figures
from experiments.graph.contagion import contagion_graph, write_graph
from experiments.report import report
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from experiments.toml_text import to_toml
from simulation.scenario import Scenario


def save_comparison(
    comparison: Compared, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()
) -> Path:
    """Write the folder `out` and return it; raises `StoreError`, and leaves nothing behind, where it cannot."""
    pictures = figures(comparison)
    page = report(comparison, pictures)
    with results_folder(out, _provenance(comparison, command), overwrite) as folder:
        write_table(comparison.runs, folder / "runs")
        write_table(comparison.summary, folder / "summary")
        write_table(comparison.hits, folder / "who_hits_whom")
        write_bytes(folder / "verdict.txt", str(comparison).encode())
        write_bytes(folder / "scenario.toml", scenario_toml(comparison.scenario).encode())
        (folder / "figures").mkdir()
        for picture in pictures:
            write_bytes(folder / "figures" / f"{picture.name}.png", picture.png)
        for shown in (comparison.gallery.worst, comparison.gallery.median):
            write_graph(contagion_graph(shown.run), folder / f"contagion_{shown.title}.graphml")
        write_bytes(folder / "report.html", page.encode())
    return Path(out)


def scenario_toml(scenario: Scenario) -> str:
    """Return the scenario as a file that runs again, every default filled in."""
    value: dict[str, Any] = scenario.to_dict()
    value["population"] = [_flat(group) for group in value["population"]]
    return to_toml(value, "The scenario as it was run, every default filled in.")


def _flat(group: dict[str, Any]) -> dict[str, Any]:
    """Return a population entry with the parameters of its trader type beside its other fields."""
    own = {key: item for key, item in group.items() if key != "parameters"}
    return {**own, **group.get("parameters", {})}


def _provenance(comparison: Compared, command: Sequence[str]) -> Provenance:
    gallery = comparison.gallery
    chosen = {
        shown.title: {"seed": shown.seed, "regime": shown.arm.regime, "design": shown.design}
        for shown in (gallery.worst, gallery.median)
    }
    extra = {"digests": {str(seed): digest for seed, digest in comparison.digests.items()}, "shown": chosen}
    return Provenance(comparison.scenario.to_dict(), comparison.seeds, command, extra)

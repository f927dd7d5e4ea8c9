"""What an explanation leaves in its results folder: the story, the tree of causes, and the numbers behind them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.causes.causal_tree import causal_tree
from experiments.causes.explain import Explanation
from experiments.causes.forced_trades import by_round
from experiments.results import scenario_toml
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table

__all__ = ["aggregates", "rerun_table", "save_explanation"]


def save_explanation(told: Explanation, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write story, picture and tables to the folder `out`, all or nothing; raises `StoreError` where it cannot."""
    extra = {"account": told.name, "digest": told.digest}
    provenance = Provenance(told.scenario.to_dict(), [told.scenario.seed], command, extra)
    with results_folder(out, provenance, overwrite) as folder:
        write_bytes(folder / "scenario.toml", scenario_toml(told.scenario).encode())
        write_bytes(folder / "story.md", told.markdown.encode())
        write_bytes(folder / "causes.png", causal_tree(told).png)
        write_table(told.lines.astype({"market": "str", "cause": "str"}), folder / "causes")
        write_table(told.culprits, folder / "culprits")
        write_table(told.seizures, folder / "forced_trades")
        write_table(rerun_table(told), folder / "reruns")
        write_table(told.split.accounts, folder / "accounts")
        for name, table in aggregates(told).items():
            write_table(table, folder / name)
    return Path(out)


def aggregates(told: Explanation) -> dict[str, pd.DataFrame]:
    """Return the losses of the whole run by cause: of all accounts by market and by trader type, and of all forced
    trades, each and by step and round. Dollars; sums are exact.
    """
    split, trades = told.split, told.trades
    return {
        "by_market": split.by("market").reset_index().astype({"market": "str"}),
        "by_trader_type": split.by("kind").reset_index(),
        "by_round": by_round(trades).reset_index(),
        "forced_losses": trades,
    }


def rerun_table(told: Explanation) -> pd.DataFrame:
    """Return one row a rerun: off (causes switched off), without (accounts counted out), loss, survived, died, closed.

    Dollars; died is the step of the first forced trade, -1 where there was none.
    """
    found = told.answers.outcomes
    columns = {
        "off": [" ".join(sorted(rerun.off)) for rerun in found],
        "without": [" ".join(told.others[row] for row in rerun.absent) for rerun in found],
        "loss": [outcome.loss for outcome in found.values()],
        "survived": [outcome.survived for outcome in found.values()],
        "died": [outcome.died for outcome in found.values()],
        "closed": [outcome.closed for outcome in found.values()],
    }
    return pd.DataFrame(columns).astype({"off": "str", "without": "str"})

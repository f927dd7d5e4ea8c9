"""All metrics with unit, denominator and the first line of their definition, read off their docstrings."""

from collections.abc import Iterable
from typing import Any

from experiments.record.definition import NONE, Entry, documented, first_line


def metric_list() -> str:
    """Return all metrics as text, by where they are found."""
    parts = [title + "\n" + "\n".join(map(str, entries)) for title, entries in families().items()]
    return "\n\n".join(parts)


def families() -> dict[str, list[Entry]]:
    """Return the entries, by where they are found."""
    from experiments import endogenous_risk, recovery, tail_risk
    from experiments.record.metrics import METRICS

    return {
        "of one run (metrics.csv, run(...).metrics)": [documented(name, f) for name, f in METRICS.items()],
        "of a run against its impact-free twin (endogenous_risk.endogenous)": [
            documented(name, function) for name, function in endogenous_risk.TWIN_METRICS.items()
        ],
        "over storms": [
            *_named(tail_risk, ("bad_debt_tail", "probability_of", "least_fund", "group_losses")),
            *_named(tail_risk, ("marginal_shortfall", "delta_covar")),
            *_named(endogenous_risk, ("branching_by_amplification", "branching_by_counts", "pooled_tail_dependence")),
            *_named(recovery, ("time_to_recovery", "median_recovery")),
            *_over_storms(),
        ],
        "of the live book, before the storm": _before_the_storm(),
        "of a margin model": _of_margin(),
    }


def _named(module: Any, names: Iterable[str]) -> list[Entry]:
    short = module.__name__.rpartition(".")[2]
    return [documented(f"{short}.{name}", getattr(module, name)) for name in names]


def _stated(name: str, thing: Any, unit: str, per: str = NONE) -> Entry:
    """Return the entry of something whose unit and denominator are stated here."""
    return Entry(name, unit, per, first_line(thing))


def _over_storms() -> list[Entry]:
    from experiments.statistics import expected_shortfall

    return [_stated("statistics.expected_shortfall", expected_shortfall, "unit of the values", "storms in the tail")]


def _before_the_storm() -> list[Entry]:
    from experiments.warning import debt_rank, fire_sale
    from experiments.warning.early_warning import EarlyWarning
    from experiments.warning.fire_sale import FireSale

    dollar, equity = "dollars", "equity of all owners"
    book = "early_warning.EarlyWarning"
    return [
        _stated(f"{book}.matrix", EarlyWarning.matrix, "dollars forced out", "dollar forced out"),
        _stated(f"{book}.radius", EarlyWarning.radius, "ratio"),
        _stated(f"{book}.local_r0", EarlyWarning.local_r0, "ratio"),
        _stated(f"{book}.per_percent", EarlyWarning.per_percent, dollar, "log move of 1 %"),
        _stated("fire_sale.overlap", fire_sale.overlap, dollar, "full liquidation"),
        _stated("fire_sale.indirect_contagion", fire_sale.indirect_contagion, dollar, "full liquidation"),
        _stated("fire_sale.perron_vector", fire_sale.perron_vector, "share", "sum over owners"),
        _stated("fire_sale.FireSale.aggregate_vulnerability", FireSale.aggregate_vulnerability, "ratio", equity),
        _stated("fire_sale.FireSale.systemicness", FireSale.systemicness, "ratio", equity),
        _stated("fire_sale.FireSale.indirect_vulnerability", FireSale.indirect_vulnerability, "ratio", "own equity"),
        _stated("fire_sale.FireSale.connectedness", FireSale.connectedness, dollar, "dollar sold"),
        _stated("debt_rank.debt_rank", debt_rank.debt_rank, "share", "value of all nodes"),
    ]


def _of_margin() -> list[Entry]:
    from experiments import coverage, procyclicality

    return [
        _stated("procyclicality.peak_to_trough", procyclicality.peak_to_trough, "ratio", "least margin"),
        _stated("procyclicality.largest_rise", procyclicality.largest_rise, "ratio", "margin n steps before"),
        _stated("procyclicality.liquidity_stress", procyclicality.liquidity_stress, "ratio", "equity"),
        _stated("procyclicality.cost", procyclicality.cost, "ratio", "mean margin of the plain model"),
        _stated("coverage.kupiec", coverage.kupiec, "probability (p-value)"),
        _stated("coverage.christoffersen", coverage.christoffersen, "probability (p-value)"),
        _stated("coverage.breach_size", coverage.breach_size, "dollars", "breaches (average)"),
    ]

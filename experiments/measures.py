"""What a comparison reports: the measures of each axis, their units and denominators."""

from dataclasses import dataclass

DOLLARS, PERCENT, PROBABILITY, COUNT, TIMES = "$", "%", "probability", "count", "times"


@dataclass(frozen=True)
class Measure:
    """One line of the verdict: the mean over storms of `metric`, unless `twin`.

    `about` says of what and per what. With `twin` it is the total over storms divided by the total over the
    impact-free twins of the same storms.
    """

    metric: str
    title: str
    unit: str
    about: str
    twin: bool = False

    @property
    def name(self) -> str:
        """Return the name in the summary table."""
        return f"amplification_{self.metric}" if self.twin else self.metric


STORM = "a storm"
CLOSED = "of notional closed"
AXES: dict[str, tuple[Measure, ...]] = {
    "Solvency": (
        Measure("bad_debt", "bad debt", DOLLARS, STORM),
        Measure("insolvent", "P(insolvency)", PROBABILITY, "of storms"),
        Measure("insurance_draw", "insurance draw", DOLLARS, STORM),
        Measure("adl_notional", "ADL volume", DOLLARS, STORM),
        Measure("socialised_loss", "socialised loss", DOLLARS, STORM),
    ),
    "Liquidation volume": (
        Measure("liquidated_notional", "liquidated notional", DOLLARS, STORM),
        Measure("liquidated_share", "accounts hit", PERCENT, "of accounts"),
    ),
    "Contagion": (
        Measure("healthy_closed_share", "closed though healthy", PERCENT, CLOSED),
        Measure("unshocked_share", "in unshocked markets", PERCENT, CLOSED),
        Measure("cascade_size", "largest cascade", COUNT, "pools"),
        Measure("cascade_depth", "deepest cascade", COUNT, "generations"),
        Measure("liquidated_notional", "amplification A_$", TIMES, "impact-free twin", twin=True),
        Measure("liquidated_accounts", "amplification A_N", TIMES, "impact-free twin", twin=True),
        Measure("price_amplification", "price amplification", TIMES, "the index's fall"),
    ),
    "Capital": (Measure("capital_efficiency", "capital efficiency", TIMES, "initial margin"),),
}
MEASURES = tuple(measure for group in AXES.values() for measure in group)
METRICS = tuple(dict.fromkeys(measure.metric for measure in MEASURES))


def measure_named(name: str) -> Measure:
    """Return the measure of that name."""
    return next(measure for measure in MEASURES if measure.name == name)

"""What a comparison did not model, said in every report; partly the same always, partly read off the scenario."""

from simulation.scenario import Scenario

ALWAYS = (
    "One venue. No trading on other venues, no arbitrage with them, no transfers between chains; collateral is "
    "dollars only.",
    "The order book is an impact law with a depth, not a queue of orders; there are no options.",
    "Traders follow fixed rules. They do not learn, do not foresee the venue's rules, and nobody new comes in.",
    "Freed margin is spent at the opening only (the share phi); later re-leveraging is up to the trader types in the "
    "population.",
    "Every regime faces the same traders. Which traders a regime would attract or lose is not modelled.",
    "Index prices do not react to the venue: losses here do not spread to the rest of the market.",
)


def not_modelled(scenario: Scenario) -> list[str]:
    """Return the limits of a comparison of `scenario`, one sentence or two each."""
    return [*_switched_off(scenario), *ALWAYS]


def _switched_off(scenario: Scenario) -> list[str]:
    said = []
    if scenario.price.kind == "replay":
        said.append(
            "The prices are one path that happened. Seeds vary the population and its decisions only, so the intervals "
            "say how sure the result is for this storm, and nothing about other storms."
        )
    if scenario.impact.kind == "none":
        said.append("Impact is off: trades do not move prices, so liquidations cannot pull each other down.")
    if scenario.depth.elasticity == 0.0:
        said.append("Depth is constant: market makers do not withdraw when prices move.")
    if scenario.funding.kind == "none":
        said.append("No funding payments.")
    if not scenario.liquidation.limited:
        said.append("The venue liquidates without limit within a step: no congestion, no queue.")
    if getattr(scenario.oracle, "delay_steps", 1) == 0:
        said.append("The oracle has no delay.")
    if not scenario.liquidators:
        said.append("No liquidators: distressed positions go to the order book.")
    return said

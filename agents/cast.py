"""The usual cast: every trader type found in this package or given by a plug-in, and the exchange."""

import importlib
import inspect
import pkgutil

import agents
from agents.entry_checks import entry_problems
from agents.exchange import Exchange
from agents.group import GroupSpec, TraderGroup, parameters_of, settings_of
from agents.sizing import regime_scale
from agents.trader import Trader
from agents.view import MarketView
from simulation.errors import ScenarioError, nearest, shown
from simulation.model import Cast, MarketModel
from simulation.rule import descendants
from simulation.scenario import Group, Scenario


def trader_types() -> dict[str, type[Trader]]:
    """Return every known trader type by kind, sorted: those of this package and all imported plug-ins."""
    for module in pkgutil.iter_modules(agents.__path__):
        importlib.import_module(f"agents.{module.name}")
    types = [cls for cls in descendants(Trader) if cls.kind and not inspect.isabstract(cls)]
    return {cls.kind: cls for cls in sorted(types, key=lambda cls: cls.kind)}


class StandardCast(Cast):
    """MarketView, Exchange, and all known trader types."""

    view = MarketView
    exchange = Exchange

    def __init__(self) -> None:
        """Discover the trader types."""
        self.traders = trader_types()

    def join(self, model: MarketModel, group: Group) -> None:
        """Create the agents of one population entry."""
        TraderGroup(model, self.traders[group.kind], specification(group))

    def open(self, model: MarketModel) -> None:
        """Book the opening positions of all groups, scaled by the share of freed margin that is re-used."""
        for group in model.turns:
            members = group.members(slice(None))
            if group.tokens.any():
                model.exchange.clearing.open(members.rows, group.tokens / model.market.mark_price)
                members = group.members(slice(None))  # its columns are read once: read them again
            orders = group.allowed(members.rows, group.rule.open(members, model.view))
            model.exchange.clearing.open(members.rows, orders * regime_scale(model, members, orders)[:, None])
            model.exchange.clearing.wallet.fund(members.rows, group.posted_share)
        model.exchange.claims.open(model)


def specification(group: Group) -> GroupSpec:
    """Return a population entry as what a trader group is made of."""
    names = ("kind", "name", "count", "deposit", "collateral", "reserve", "posted_share")
    names += ("isolated", "pools", "parameters")
    return GroupSpec(**{name: getattr(group, name) for name in names})


def check_population(scenario: Scenario) -> None:
    """Raise `ScenarioError` if a population entry names an unknown trader type or gives it a bad parameter."""
    known, problems = trader_types(), []
    for i, group in enumerate(scenario.population):
        where = f"population[{i}]"
        if group.kind not in known:
            wrong = f"must be one of {', '.join(known)} (got {shown(group.kind)}){nearest(group.kind, known)}"
            problems.append(f"{where}.kind: {wrong}")
            continue
        problems += [f"{where}.{line}" for line in _problems(known[group.kind], group, scenario.names)]
    if problems:
        raise ScenarioError(problems)


def _problems(trader: type[Trader], group: Group, markets: tuple[str, ...]) -> list[str]:
    spec = specification(group)
    if found := entry_problems(trader, dict(group.parameters), markets):
        return found
    for check in (lambda: parameters_of(trader, spec), lambda: settings_of(trader, spec, markets)):
        try:
            check()
        except ScenarioError as error:
            found += error.problems
    return found

"""Whether a margin rule that learns carried accounts across their thresholds, and what that cost.

Question: did an account die because its requirement had risen, and what did others lose by that sale? Method: the rule
as it stood at the opening is asked about the positions each pool held when it was found under margin, at the marks of
that moment. A pool that still met that requirement was closed by the change of the rule alone. The change itself moves
no money; what it costs is what such closings did to prices, and that part of `forced` is the cause `margin_rule`:

    margin_rule = sum over spells of exposure * (D(end) - D(beginning)),
    D = displacement left of pushes, as far as closings by the changed rule were part of them.

Expected: nothing for rules that never change, nothing without impact, and the debts of those closings otherwise.
"""

import numpy as np

from agents.handles import forget
from experiments.causes.trace import Spells, Traced, units_held
from experiments.record.frames import moment_steps
from simulation.accounts import to_quanta
from simulation.arrays import Array, Index, Mask
from simulation.board import Book
from simulation.causes import Attribution
from simulation.margin.base import BookMargin, MarginRule


def learns(model: Traced) -> bool:
    """Tell whether requirements may change by what the margin rule sees."""
    rule = model.rules.margin
    update = getattr(rule, "update", None)
    still = update is not None and type(update).kind == "fixed" and getattr(rule, "correlation_decay", 1.0) == 1.0
    return type(model.margin).observe is not MarginRule.observe and not still


def knowledge(model: Traced) -> str:
    """Tell whether the rule is "fixed", or what the opening's rule would have asked later is "known" or "unknown".

    Unknown where options make its answer depend on facts of the board that are not kept, and of a rule of one's own
    that learns and does not read whole books.
    """
    if not learns(model):
        return "fixed"
    told = isinstance(model.margin, BookMargin) and not model.market.listed.option.any()
    return "known" if told else "unknown"


def needed_at_opening(model: Traced, spells: Spells) -> Array:
    """Return the maintenance requirement (n,), dollars, that the opening's rule had for each closing's pool.

    NaN where the rule never changes, or where what it would have asked is not known; see `knowledge`.
    """
    if knowledge(model) != "known":
        return np.full(len(model.closings), np.nan)
    return requirements(model, spells)


def requirements(model: Traced, spells: Spells) -> Array:
    """Return what the opening's rule, one that reads whole books, asks for each closing's pool (n,), dollars."""
    closings, markets = model.closings, len(model.market.names)
    columns = np.arange(markets)
    held = units_held(spells, closings.row[:, None], columns, closings.seized[:, None])
    held[model.accounts.pool[closings.row] != closings.pool[:, None]] = 0.0
    needed, start = np.zeros(len(closings)), Traced(model.rules)
    rule, moments = start.engine.rule, model.market.moments
    assert isinstance(rule, BookMargin)
    for moment in np.unique(closings.seized):
        here = np.flatnonzero(closings.seized == moment)
        price = np.exp(moments.parts[moment].sum(axis=0))
        book = Book.of(np.zeros(len(here)), held[here], price)
        needed[here] = rule.requirement(book, model.engine.board(price), "maintenance")
    forget(start)
    return needed


def raised(model: Traced, needed: Array) -> Mask:
    """Tell which closings (n,) the opening's rule, which `needed` (n,) dollars, would not have made."""
    equity = model.exchange.desk.log.events.equity[model.closings.first]
    return needed <= equity


def owed_to(model: Traced, chosen: Mask, spells: Spells, causes: Attribution) -> Array:
    """Return the dollars (s,), whole quanta, that the `chosen` closings (n,) took in each spell."""
    if not chosen.any():
        return np.zeros(len(spells.row))
    moved = displacement(model, chosen)
    change = moved[spells.until] - moved[spells.since]  # (s, m) log
    each, source = np.arange(len(spells.row)), model.market.listed.asset[spells.market]
    return to_quanta(causes.exposure * change[each, spells.market] + causes.through * change[each, source])


def displacement(model: Traced, chosen: Mask) -> Array:
    """Return the log displacement (t, m) at every moment that the `chosen` closings (n,) left in the book."""
    closings, pushes, steps = model.closings, model.market.pushes, moment_steps(model)
    parts = _parts(model, np.flatnonzero(chosen & (closings.push >= 0)))
    begun: dict[int, list[int]] = {}
    for number in np.unique(closings.push[chosen & (closings.push >= 0)]).tolist():
        begun.setdefault(int(pushes[number].moment), []).append(number)
    lasting, fading, found = (np.zeros((n, len(model.market.names))) for n in (1, 1, len(steps)))
    decay = 0.5 ** (1.0 / model.rules.impact.half_life_steps)
    for moment, step in enumerate(steps.tolist()):
        fading = fading * decay ** (step - int(steps[max(moment - 1, 0)]))
        for number in begun.get(moment, []):
            lasting = lasting + pushes[number].permanent * parts[number]
            fading = fading + pushes[number].transient * parts[number]
        found[moment] = lasting + fading
    return found


def _parts(model: Traced, chosen: Index) -> Array:
    """Return which fraction (p, m) of each push the `chosen` closings were."""
    closings, markets = model.closings, len(model.market.names)
    parts = np.zeros((len(model.market.pushes), markets))
    np.add.at(parts, closings.push[chosen], closings.share[chosen, :markets])
    return parts

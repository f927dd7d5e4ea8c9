"""Whether a margin rule that learns carried an account across its threshold.

Question: did the account die because its requirement had risen? Method: the rule as it stood at the opening is asked
about the positions the pool held when it was found under margin, at the marks of that moment. The difference moves no
money and is no part of the loss: it is a trigger. Expected: nothing for rules that never change.
"""

import numpy as np

from experiments.causes.trace import Spells, Traced
from experiments.record.frames import moment_seized
from simulation.board import Book
from simulation.margin.base import BookMargin, MarginRule


def requirement_at_opening(model: Traced, spells: Spells, row: int) -> float | None:
    """Return the maintenance requirement, dollars, that the opening's rule had for the first seized pool of `row`.

    None where nothing was seized, where the rule never changes, or where options make its answer depend on facts of
    the board that are not kept.
    """
    events, rule = model.exchange.desk.log.events, model.margin
    mine = np.flatnonzero(events.row == row)
    learns = isinstance(rule, BookMargin) and type(rule).observe is not MarginRule.observe
    if not len(mine) or not learns or model.market.listed.option.any():
        return None
    first = mine[0]
    moment, pool = int(moment_seized(events)[first]), int(events.pool[first])
    held = (spells.row == row) & (spells.since < moment) & (moment <= spells.until)  # a sale ends a spell there
    position = np.zeros((1, len(model.market.names)))
    np.add.at(position[0], spells.market[held], spells.units[held])
    position[0, model.accounts.pool[row] != pool] = 0.0
    opened = _as_opened(model)
    price = np.exp(model.market.moments.parts[moment].sum(axis=0))
    book = Book.of(np.zeros(1), position, price)
    return float(opened.requirement(book, model.engine.board(price), "maintenance")[0])


def _as_opened(model: Traced) -> BookMargin:
    """Return the rule with the memory it had before the first step."""
    start = Traced(model.rules)
    assert isinstance(start.engine.rule, BookMargin)
    return start.engine.rule

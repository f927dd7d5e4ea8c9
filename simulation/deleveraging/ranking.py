"""Fills in the order of a ranking, and what a trader is shown of its place in it."""

import numpy as np

from simulation.arrays import Array, Index

_MANY, _FEW = 1024, 128  # of many winners the first few usually do; ranking all would cost more than the fill
_ROUNDING = 1e-9  # of a step of the percentile scale


def ranked_fills(score: Array, held: Array, lots: float) -> Array:
    """Return the lots (c,) closed when those with the highest `score` (c,) are closed first, each wholly.

    `held` (c,) lots are there to be closed, `lots` are wanted. Equal scores go by position.
    """
    order = _first(score, held, lots)
    ahead = np.cumsum(held[order]) - held[order]
    fills = np.zeros_like(held)
    fills[order] = np.clip(lots - ahead, 0.0, held[order])
    return fills


def percentiles(score: Array, held: Array, steps: int = 5) -> Array:
    """Return everybody's percentile (c,): share of all `held` lots (c,) ranked up to and with it, in percent.

    The share is rounded up to the next of `steps` equal steps; the lowest percentile is deleveraged first. Source:
    the indicator lights of BitMEX, "Auto-deleveraging examples".
    """
    order = np.argsort(-score, kind="stable")
    share = np.cumsum(held[order]) / held.sum()
    rank = np.empty_like(share)
    rank[order] = np.ceil(share * steps - _ROUNDING) * (100.0 / steps)
    return rank


def _first(score: Array, held: Array, needed: float) -> Index:
    """Return the ranking (descending score, ties by position) as far down as `needed` lots can reach, and beyond."""
    if len(score) > _MANY:
        least = np.partition(score, -_FEW)[-_FEW]
        top = np.flatnonzero(score >= least)
        if held[top].sum() >= needed:
            return top[np.argsort(-score[top], kind="stable")]
    return np.argsort(-score, kind="stable")

"""The impact law: a pure function from cumulated volume to log displacement of the price."""

from dataclasses import dataclass

from pydantic import Field

from simulation.arrays import Array
from simulation.rule import Rule


@dataclass(frozen=True)
class Book:
    """What an impact law may read, each (m,), dollars: mid price, index price, depth.

    A law that measures volume in money takes units times the *index* price: at the mid, which its own trades move,
    n slices would not add up to one order, and selling and buying back would earn money.
    """

    price: Array
    index: Array
    depth: Array


@dataclass(frozen=True)
class Move:
    """What a volume does, each (m,), as log moves of the price: averaged over the volume, and at its end."""

    average: Array
    final: Array


class ImpactRule(Rule):
    """How net volume moves the price.

    A law is stated for a whole metaorder: `move(done, volume, book)` is what `volume` more units (m,) do after
    `done` units (m,) of the same metaorder, both signed, buys positive. `permanent_share` of the move stays; the
    rest, and the memory of the metaorder, decay by half every `half_life_steps`.
    """

    permanent_share: float = Field(1.0, ge=0.0, le=1.0, description="share of a move that never decays")
    half_life_steps: float = Field(10.0, gt=0.0, le=1e9, description="half-life of the transient part, steps")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the log move (average over the volume, final) of each market, (m,) each."""
        raise NotImplementedError

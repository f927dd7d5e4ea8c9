"""Keyed randomness: a draw is a pure function of (seed, stream name, step, position), never of earlier draws.

"Same seed" is not common random numbers. Here every stream has its own key, every step its own counter, and
value i does not depend on how many values follow it. Adding a trader group, changing a margin rule, or asking
in another order leaves every other draw unchanged, in any process and on any number of workers.
"""

import functools
import hashlib
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Philox
from numpy.typing import NDArray

from simulation.arrays import Array
from simulation.errors import ScenarioError, shown

Bits = NDArray[np.uint64]

SEED_LIMIT = 2**128
EXOGENOUS = "price/"  # streams under this prefix enter the digest

_PERSON = b"crossmargin"  # separates our keys from any other use of blake2b on the same bytes


class Streams:
    """All the random numbers of one run.

    Philox 4x64-10 (Salmon, Moraes, Dror & Shaw, SC 2011) with

        key     = blake2b(seed as 16 little-endian bytes + stream name, 16 bytes, person "crossmargin")
        counter = (block, step, 0, 0), blocks of four 64-bit words counted from 1

    so that numpy's `Philox(key=key, counter=step << 64)` gives the same words. One word makes one value.
    """

    def __init__(self, seed: int) -> None:
        """Start from `seed`, a whole number from 0 to 2**128 - 1; raises ScenarioError otherwise."""
        self.seed = checked_seed(seed)
        self._generator = Philox(key=0)
        self._state: Any = self._generator.state  # written over before each draw: cheaper than a new Philox
        self._state["buffer_pos"] = 4  # 4 = the buffer is used up
        self._counter: Bits = self._state["state"]["counter"]
        self._keys: dict[str, Bits] = {}
        self._drawn: dict[tuple[str, int], tuple[int, bytes]] = {}

    def bits(self, stream: str, step: int, count: int) -> Bits:
        """Return the first `count` 64-bit words of (stream, step); step is 0 .. 2**64 - 1."""
        key = self._keys.get(stream)
        if key is None:
            key = self._keys[stream] = np.frombuffer(stream_key(self.seed, stream), "<u8").astype(np.uint64)
        self._counter[:] = 0
        self._counter[1] = step
        self._state["state"]["key"] = key
        self._generator.state = self._state
        words: Bits = self._generator.random_raw(count)  # type: ignore[assignment]
        if stream.startswith(EXOGENOUS):
            self._remember(stream, step, words)
        return words

    def uniform(self, stream: str, step: int, count: int) -> Array:
        """Return (count,) values strictly between 0 and 1."""
        return open_unit(self.bits(stream, step, count))

    def normal(self, stream: str, step: int, count: int) -> Array:
        """Return (count,) standard normal values by the inverse distribution function, one word a value."""
        return _inverse_normal()(self.uniform(stream, step, count))

    def record(self, name: str, values: Array) -> None:
        """Let `values` (a realised price path, say) enter the digest under `name`."""
        self._drawn[f"record/{name}", 0] = (values.size, _short_hash(np.ascontiguousarray(values)))

    def digest(self) -> str:
        """Return 32 hex digits that name everything drawn under "price/" and everything recorded.

        It depends on what was drawn, not on the order, nor on drawing the same thing twice: runs that met the
        same storm have the same digest, whatever traders and exchange did.
        """
        lines = sorted(
            f"{name}\0{step}\0{size}\0{seen.hex()}" for (name, step), (size, seen) in self._drawn.items()
        )
        return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()

    def _remember(self, stream: str, step: int, words: Bits) -> None:
        """Keep the longest draw of (stream, step): shorter ones are its beginning."""
        known = self._drawn.get((stream, step))
        if known is None or words.size > known[0]:
            self._drawn[stream, step] = (words.size, _short_hash(words))


def checked_seed(seed: int) -> int:
    """Return `seed` as a plain int; raise ScenarioError unless it is a whole number from 0 to 2**128 - 1."""
    allowed = "a whole number from 0 to 2**128 - 1"
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ScenarioError(f"seed: is not a whole number (got {shown(seed)}); {allowed}")
    whole = operator.index(seed)
    if not 0 <= whole < SEED_LIMIT:
        raise ScenarioError(f"seed: is out of range (got {shown(whole)}); {allowed}")
    return whole


def stream_key(seed: int, stream: str) -> bytes:
    """Return the 16 bytes that key `stream` under `seed`."""
    material = seed.to_bytes(16, "little") + stream.encode()
    return hashlib.blake2b(material, digest_size=16, person=_PERSON).digest()


def open_unit(words: Bits) -> Array:
    """Return the middles of 2**52 equal cells of (0, 1) that the top 52 bits of `words` name.

    They are exact in float64 and symmetric (1 - u is as likely as u); 0 and 1 cannot come up.
    """
    values = (words >> np.uint64(12)).astype(np.float64)
    values += 0.5
    values *= 2.0**-52
    return values


def _short_hash(values: Bits | Array) -> bytes:
    return hashlib.blake2b(values.data, digest_size=16).digest()


@functools.cache
def _inverse_normal() -> Callable[[Array], Array]:
    """Import scipy.special on first use: it costs .2 s, which `crossmargin --help` should not pay."""
    from scipy.special import ndtri

    return ndtri

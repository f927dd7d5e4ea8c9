"""Keyed streams: every draw is a function of (seed, stream, step, position) and of nothing else."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulation.errors import InputError, ScenarioError
from simulation.random import SEED_LIMIT, Streams, open_unit, stream_key

SEED = 20251010
MASK = 2**64 - 1

seeds = st.integers(0, SEED_LIMIT - 1)
names = st.text(st.characters(codec="utf-8"), max_size=30)
steps = st.integers(0, MASK)

PINNED = {
    ("price/normal/BTC", 0): "86214cb83a872a56 bcc7ab1996ae0652 463cc882fed392f2 85d02d09b532ab78 "
    "c939283d8e86d093 4958e18ba604ebc1 95aefdfbc01855c7 07110f1cf3615a80",
    ("price/common jumps", 0): "8f01f8ce99ce9251 3f1a2047d216b2aa 05c7b5adb664fae9 a004272131bdd66d "
    "5794d8b4aeb92c31 f19fdd97b072c12a b3e823b1d3711b41 c0a3ca4165c8b582",
    ("traders/momentum", 17): "d58e3aa916867de3 11b2d2dcbcee7fcc 47477806faa6295c 5282d41295d1d053 "
    "b3af5b08e78eb29f 96b7bb14cdec3bd3 6d849ee17ec16a02 bf7078f577a08491",
    ("", MASK): "ea94c1aca75be802 bda66cc9f54cfa0d 8437e12e1c4ab7ea 2cd4552fb350a798 "
    "d496a59d60f675d9 29c785b58c1c9d70 88780423c39fb00f 0df730f87e3b343e",
}
FIRST_NORMALS = [0.06005883679675803, 0.6354168133780814, -0.5996643412288697, 0.056950690266499245]


def philox_block(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x64-10 in plain integers, from the paper: four words out of a counter of four."""
    for _ in range(10):
        left, right = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = [
            (right >> 64) ^ counter[1] ^ key[0],
            right & MASK,
            (left >> 64) ^ counter[3] ^ key[1],
            left & MASK,
        ]
        key = [(key[0] + 0x9E3779B97F4A7C15) & MASK, (key[1] + 0xBB67AE8584CAA73B) & MASK]
    return counter


def words(streams: Streams, stream: str, step: int, count: int) -> list[int]:
    return [int(word) for word in streams.bits(stream, step, count)]


@given(seeds, names, steps)
def test_every_word_agrees_with_philox_written_out_by_hand(seed: int, name: str, step: int) -> None:
    key = stream_key(seed, name)
    halves = [int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")]
    expected = [word for block in (1, 2, 3) for word in philox_block([block, step, 0, 0], halves)]
    assert words(Streams(seed), name, step, 12) == expected


@pytest.mark.parametrize(("stream", "step"), PINNED)
def test_the_first_words_of_named_streams_are_pinned(stream: str, step: int) -> None:
    assert words(Streams(SEED), stream, step, 8) == [int(x, 16) for x in PINNED[stream, step].split()]


def test_the_first_words_of_32_more_streams_are_pinned() -> None:
    prefixes = ("price/normal", "traders", "keepers", "latency")
    streams = [f"{prefix}/{i}" for prefix in prefixes for i in range(8)]
    drawn = b"".join(Streams(SEED).bits(s, i, 8).astype("<u8").tobytes() for i, s in enumerate(streams))
    assert hashlib.blake2b(drawn, digest_size=16).hexdigest() == "2cacb96ecc220b7a29342c18757de7f5"


def test_the_first_values_are_pinned() -> None:
    uniform = Streams(SEED).uniform("price/normal/BTC", 0, 2)
    assert [x.hex() for x in uniform.tolist()] == ["0x1.0c429970750e5p-1", "0x1.798f56332d5c1p-1"]
    normal = Streams(SEED).normal("price/normal/BTC", 0, 4)
    np.testing.assert_allclose(normal, FIRST_NORMALS, rtol=1e-14)


@given(seeds, names, steps, st.integers(0, 40), st.integers(0, 40))
def test_a_value_does_not_depend_on_how_many_follow(
    seed: int, name: str, step: int, few: int, more: int
) -> None:
    few, more = sorted((few, more))
    for draw in (Streams(seed).uniform, Streams(seed).normal):
        assert draw(name, step, more)[:few].tobytes() == draw(name, step, few).tobytes()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 9)), max_size=12))
def test_a_value_does_not_depend_on_what_was_drawn_before(calls: list[tuple[str, int, int]]) -> None:
    used = Streams(SEED)
    for call in calls:
        used.uniform(*call)
    for call in calls:
        assert used.uniform(*call).tobytes() == Streams(SEED).uniform(*call).tobytes()


def test_drawing_does_not_change_values_already_handed_out() -> None:
    streams = Streams(SEED)
    first = streams.uniform("a", 0, 5)
    before = first.copy()
    streams.uniform("b", 1, 5)
    np.testing.assert_array_equal(first, before)


def test_no_two_streams_share_a_key() -> None:
    streams = [f"{group}/{i}" for group in ("price", "traders", "keepers") for i in range(2_000)]
    keys = {stream_key(seed, stream) for seed in (0, 1, 2**127, SEED_LIMIT - 1) for stream in streams}
    assert len(keys) == 4 * len(streams)


@pytest.mark.parametrize(
    "other",
    [(SEED + 1, "a", 0), (SEED, "b", 0), (SEED, "a", 1), (SEED, "a ", 0), (SEED + 2**64, "a", 0)],
)
def test_other_seeds_streams_and_steps_give_other_words(other: tuple[int, str, int]) -> None:
    seed, stream, step = other
    assert not set(words(Streams(SEED), "a", 0, 100)) & set(words(Streams(seed), stream, step, 100))


def test_a_value_is_never_0_or_1_and_the_cells_are_symmetric() -> None:
    ends = open_unit(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert ends.tolist() == [2.0**-53, 1.0 - 2.0**-53]
    some = Streams(SEED).bits("a", 0, 1_000)
    np.testing.assert_array_equal(1.0 - open_unit(some), open_unit(~some))


def test_uniform_values_are_uniform_and_normal_values_normal() -> None:
    across = np.concatenate([Streams(SEED).uniform("a", step, 20) for step in range(5_000)])
    assert stats.kstest(across, "uniform").pvalue > 1e-3
    assert stats.kstest(Streams(SEED).normal("a", 0, 100_000), "norm").pvalue > 1e-3


def test_neighbouring_streams_and_steps_are_uncorrelated() -> None:
    columns = [Streams(SEED + s).normal(n, t, 20_000) for s in (0, 1) for n in "ab" for t in (0, 1)]
    off_diagonal = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]
    assert np.abs(off_diagonal).max() < 4.5 / np.sqrt(20_000)


def test_hash_randomisation_leaves_every_value_and_the_digest_unchanged() -> None:
    code = (
        "from simulation.random import Streams; s = Streams(7); "
        "print(s.uniform('price/a', 3, 4).tolist(), s.normal('b', 0, 2).tolist(), s.digest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "random")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("seed", [0, 1, 2**64, SEED_LIMIT - 1, np.int64(5)])
def test_any_whole_number_of_128_bits_is_a_seed(seed: int) -> None:
    assert Streams(seed).seed == int(seed)
    assert type(Streams(seed).seed) is int


@pytest.mark.parametrize("seed", [-1, SEED_LIMIT, 1.5, 7.0, "7", None, True, float("nan")])
def test_anything_else_is_refused_with_what_is_allowed(seed: object) -> None:
    with pytest.raises(ScenarioError) as refusal:
        Streams(seed)
    assert isinstance(refusal.value, InputError)
    assert str(refusal.value).startswith("seed: is ")
    assert "(got " in str(refusal.value)
    assert str(refusal.value).endswith("a whole number from 0 to 2**128 - 1")


@pytest.mark.parametrize("step", [-1, 2**64])
def test_steps_outside_64_bits_are_refused(step: int) -> None:
    with pytest.raises(OverflowError):
        Streams(SEED).uniform("a", step, 1)


# The digest: what storm was it? -----------------------------------------------------------------------------

calls = st.lists(
    st.tuples(st.sampled_from(["price/a", "price/b"]), st.integers(0, 3), st.integers(1, 9)), min_size=1
)


@given(calls, st.randoms(use_true_random=False))
def test_the_digest_ignores_order_and_repetition(drawn: list[tuple[str, int, int]], dice: object) -> None:
    one, other = Streams(SEED), Streams(SEED)
    for call in drawn:
        one.uniform(*call)
    shuffled = drawn + drawn
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    for call in shuffled:
        other.normal(*call)
    assert one.digest() == other.digest()


@given(calls)
def test_the_digest_ignores_what_agents_draw(drawn: list[tuple[str, int, int]]) -> None:
    one, other = Streams(SEED), Streams(SEED)
    for call in drawn:
        one.uniform(*call)
        other.uniform("traders/momentum", *call[1:])
        other.uniform(*call)
        other.uniform("prices", 0, 3)
    assert one.digest() == other.digest()


def test_the_digest_names_seed_stream_step_count_and_recorded_values() -> None:
    def digest(seed: int, stream: str, step: int, count: int, recorded: float) -> str:
        streams = Streams(seed)
        streams.uniform(stream, step, count)
        streams.record("price/path", np.array([recorded]))
        return streams.digest()

    base = (SEED, "price/a", 0, 5, 1.0)
    changed = [(1, *base[1:]), (SEED, "price/b", 0, 5, 1.0), (SEED, "price/a", 1, 5, 1.0)]
    changed += [(SEED, "price/a", 0, 6, 1.0), (*base[:4], np.nextafter(1.0, 2.0))]
    digests = {digest(*case) for case in [base, *changed]}
    assert len(digests) == len(changed) + 1
    assert all(len(bytes.fromhex(d)) == 16 for d in digests)

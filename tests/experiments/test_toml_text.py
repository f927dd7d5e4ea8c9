"""TOML text: what tomllib reads back is what was given."""

import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.toml_text import to_toml
from simulation.errors import InputError

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
PLAIN = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT)
VALUE = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@settings(max_examples=60)
@given(st.dictionaries(TEXT, VALUE, max_size=5), TEXT)
def test_any_plain_data_reads_back_as_it_was(value, header):
    assert tomllib.loads(to_toml(value, header)) == value


def test_floats_stay_floats_and_nan_stays_nan():
    back = tomllib.loads(to_toml({"one": 1.0, "tiny": 5e-324, "nan": math.nan, "big": 1e300}))
    assert isinstance(back["one"], float)
    assert (back["tiny"], back["big"]) == (5e-324, 1e300)
    assert math.isnan(back["nan"])


def test_tables_come_after_plain_entries_and_are_easy_to_read():
    text = to_toml({"price": {"kind": "gbm"}, "markets": [{"name": "A"}], "steps": 3}, "Note.")
    assert text == '# Note.\nsteps = 3\n\n[price]\nkind = "gbm"\n\n[[markets]]\nname = "A"\n'


def test_what_toml_cannot_say_is_refused():
    with pytest.raises(InputError, match=r"cannot be written as TOML \(got None\)"):
        to_toml({"a": [None]})

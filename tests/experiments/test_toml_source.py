"""TOML from strangers: what is read, where every key stands, and how each kind of wrong text is refused."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.toml_source import DEPTH_LIMIT, SIZE_LIMIT, decode, parse_toml, read_toml
from experiments.toml_text import to_toml
from simulation.errors import ScenarioError

TEXT = """# a scenario
name = "x"   # with 'quotes' = inside
"odd.key" = 1
[price]
kind = 'gbm'
base = { kind = "flat", more = [1, { deep = 2 }] }
[[markets]]
name = "A"
tiers = [
  { floor = 0.0 },   # comment, [brackets]
  { floor = 5.5 },
]
[[markets]]
name = "B"
[markets.extra]
a.b = 2025-01-01T00:00:00Z
"""


def at(key):
    return parse_toml(TEXT, "f.toml").places[key]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (("name",), (2, 1)),
        (("odd.key",), (3, 1)),
        (("price",), (4, 1)),
        (("price", "kind"), (5, 1)),
        (("price", "base"), (6, 1)),
        (("price", "base", "kind"), (6, 10)),
        (("price", "base", "more", 0), (6, 33)),
        (("price", "base", "more", 1), (6, 36)),
        (("price", "base", "more", 1, "deep"), (6, 38)),
        (("markets", 0), (7, 1)),
        (("markets", 0, "tiers", 1), (11, 3)),
        (("markets", 0, "tiers", 1, "floor"), (11, 5)),
        (("markets", 1), (13, 1)),
        (("markets", 1, "name"), (14, 1)),
        (("markets", 1, "extra"), (15, 1)),
        (("markets", 1, "extra", "a", "b"), (16, 1)),
    ],
)
def test_every_key_and_entry_has_its_line_and_column(key, place):
    assert at(key) == place


def test_what_is_absent_is_placed_at_the_table_it_should_stand_in():
    source = parse_toml(TEXT, "f.toml")
    assert source.place(("markets", 1, "price")) == "f.toml:13:1"
    assert source.place(("price", "base", "absent", "deeper")) == "f.toml:6:1"
    assert source.place(("nothing",)) == "f.toml"
    assert source.place(()) == "f.toml"


def test_data_are_those_of_the_standard_parser():
    assert parse_toml(TEXT, "f").data == tomllib.loads(TEXT)


WORDS = st.text("abc-_1", min_size=1, max_size=5)
SCALARS = st.one_of(st.integers(-9, 9), st.floats(0, 9), st.booleans(), st.text("ab=#[]{},.'\"\\\n é", max_size=9))
VALUES = st.recursive(
    SCALARS, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(WORDS, v, max_size=3)), max_leaves=8
)


def keys_of(value, path=()):
    """The path of every key and list entry of plain data."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += keys_of(item, (*path, key))
    return found


@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4))
def test_any_plain_data_written_as_toml_have_a_place_for_every_key(value):
    text = to_toml(value)
    source = parse_toml(text, "f")
    assert source.data == value
    places = source.places
    assert set(keys_of(value)) <= set(places)
    lines = text.split("\n")
    for line, column in places.values():
        assert 1 <= line <= len(lines)
        assert lines[line - 1][column - 1 :].strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", r"f:2:6: TOML: cannot overwrite a value; hint: duplicate key or table"),
        ("[a]\n[a]\n", r"f:2:\d+: TOML: cannot declare .* twice; hint: duplicate key or table"),
        ("a = portfolio\n", r"f:1:5: TOML: invalid value; hint: text needs quotes"),
        ("a = 1,000\n", r"f:1:6: TOML: expected newline .*; hint: numbers are written 1000, 0.5 or 1e5"),
        ("a = \n", r"f:1:5: TOML: invalid value"),
        ("a = [1,\n", r"f:\d+:\d+: TOML: "),
        ('a = "x\n', r"f:1:\d+: TOML: "),
        ("a\n", r"f:1:2: TOML: "),
        (f"a = {'9' * 5000}\n", "f: a number is too long"),
    ],
)
def test_wrong_syntax_is_refused_with_line_column_and_a_hint(text, message):
    with pytest.raises(ScenarioError, match=message):
        parse_toml(text, "f")


def test_nesting_is_refused_before_it_is_parsed():
    fits = "a = " + "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT
    assert parse_toml(fits, "f").data
    for text in ("a = " + "[" * (DEPTH_LIMIT + 1), "a = " + "[" * 100_000, ".".join("a" * (DEPTH_LIMIT + 2)) + " = 1"):
        with pytest.raises(ScenarioError, match=rf"f:1:\d+: nesting deeper than {DEPTH_LIMIT}"):
            parse_toml(text, "f")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \xff\n", r"f:2:1: not UTF-8 \(byte 0xFF at offset 10\); save the file as UTF-8"),
        (b"a = 1\n\x00", r"f:2:1: control character U\+0000; only tab and line ends are allowed"),
        (b"a = '\x1b[2J'", r"f:1:6: control character U\+001B"),
        (b"", "f: file is empty; a scenario needs at least markets, price and population"),
        (b"# only words\n\n", "f: file is empty"),
        ("a = 1".encode("utf-16"), "f:1:1: not UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_refused(content, message):
    with pytest.raises(ScenarioError, match=message):
        decode(content, "f")


def test_a_byte_order_mark_and_other_line_ends_do_not_matter():
    assert decode(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n", "f") == "a = 1\nb = 2\n"


def test_files_are_named_as_the_user_named_them(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("a = ?\n")
    with pytest.raises(ScenarioError, match=r"^mine: ?|^mine:1:5: TOML"):
        read_toml(path, "mine")
    path.write_text("a = 1\n")
    assert read_toml(path).name == str(path)


def test_a_file_as_large_as_the_limit_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "s.toml"
    start = b"a = 1\n#"
    path.write_bytes(start + b"x" * (SIZE_LIMIT - len(start)))
    assert read_toml(path).data == {"a": 1}
    path.write_bytes(start + b"x" * (SIZE_LIMIT - len(start) + 1))
    with pytest.raises(ScenarioError, match=r"file is 1\.0 MB; limit 1 MiB"):
        read_toml(path)


def test_folders_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match="not a regular file"):
        read_toml(tmp_path, "f")
    with pytest.raises(ScenarioError, match="cannot be read: No such file or directory"):
        read_toml(tmp_path / "none.toml", "f")


@given(st.text(max_size=60))
def test_any_text_is_data_or_a_refusal_of_one_line(text):
    try:
        parse_toml(text, "f")
    except ScenarioError as error:
        (line,) = error.problems
        assert line.startswith("f:")
        assert "\n" not in line

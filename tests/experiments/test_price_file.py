"""Every way a price file can be wrong is refused in one line with file, line, column, value and what is allowed."""

import gzip
import os
import re
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import price_file
from experiments.prices import read_prices
from simulation.errors import PriceDataError
from tests.experiments.price_files import HOURS, LONG, WIDE, wide_frame
from tests.experiments.test_prices import refusal

CONTRACT = re.compile(r"^prices\.csv:\d+: column '[^']+': must be [^\n]+ \(got [^\n]+\)")

NO_PRICES = ["#N/A", "0", "-0.0", "-3", "inf", "-Infinity", "1e400", "1e-400", "1_000", "0x1F", "12%", "null"]
NO_PRICES += ["None", "true", "٣", '"1,5"', "=1+1", "1.2.3", "1 000", "--1", "NAN", "1e", "x" * 500]


@pytest.mark.parametrize("cell", NO_PRICES)
def test_a_cell_that_is_no_price_is_refused_with_line_column_and_value(tmp_path, cell):
    wide = refusal(tmp_path, WIDE.replace("102.5", cell))
    long = refusal(tmp_path, LONG.replace("102,2", f"{cell},2"))
    for line, column in ((wide, "BTC"), (long, "close")):
        assert CONTRACT.match(line)
        assert line.startswith(f"prices.csv:4: column '{column}': must be a finite number greater than 0 (got \"")
        assert len(line) < 160
        assert line.isascii()
    assert ("hint: decimals with a point" in wide) == (cell == '"1,5"')


def test_a_refusal_names_the_value_as_it_stands(tmp_path):
    line = refusal(tmp_path, WIDE.replace("102.5", "#N/A"))
    assert line == "prices.csv:4: column 'BTC': must be a finite number greater than 0 (got \"#N/A\")"


def test_all_problems_come_at_once_but_no_more_than_twenty(tmp_path):
    two = refusal(tmp_path, WIDE.replace("102.5", "x").replace(",13\n", ",y\n"))
    assert [line.split(": must")[0] for line in two.split("\n")] == [
        "prices.csv:4: column 'BTC'",
        "prices.csv:5: column 'ETH'",
    ]
    many = "time,A,B\n" + "".join(f"{1_760_000_000 + i},x,y\n" for i in range(50))
    assert len(refusal(tmp_path, many).split("\n")) == 20


@pytest.mark.parametrize(
    "cell", ["", "soon", "now", "2025", "12", "2025-02-30", "10/10/2025", "NaT", "1e9", "2025-10-10T25:00"]
)
def test_a_cell_that_is_no_time_is_refused(tmp_path, cell):
    line = refusal(tmp_path, WIDE.replace(HOURS[1], cell))
    assert line.startswith("prices.csv:3: column 'time': must be a time: ISO 8601")
    assert CONTRACT.match(line)


@pytest.mark.parametrize("cells", [["12", "13"], ["1e9", "2e9"], ["1.5", "2.5"], ["99999999999999999", "1"]])
def test_numbers_that_are_no_unix_time_are_refused(tmp_path, cells):
    assert "column 'time': must be a time" in refusal(tmp_path, "time,BTC\n" + "".join(f"{c},1\n" for c in cells))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WIDE.replace(HOURS[2], HOURS[1]), "prices.csv:4: column 'time': must occur once (got \"2025-10-10 01:00\")"),
        (WIDE.replace(HOURS[2], "2025-10-09T00:00Z"), "prices.csv:4: column 'time': must come after the row before"),
        (LONG.replace(HOURS[2], HOURS[1]), "prices.csv:4: column 'time': must occur once of BTC"),
        (
            LONG.replace(HOURS[1], "2025-10-11T00:00Z"),
            "prices.csv:4: column 'time': must come after the row before of BTC",
        ),
    ],
)
def test_times_that_repeat_or_run_backwards_are_refused(tmp_path, text, message):
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("BTC,ETH", "prices.csv:1: column 'time': must be there once"),
        ("time,date,BTC", "prices.csv:1: column 'time': must be there once"),
        ("time;BTC;ETH", "hint: cells are separated by commas"),
        ("time", "prices.csv:1: must have a column of prices beside the time"),
        ("time,BTC,BTC", 'prices.csv:1: column "BTC": occurs more than once'),
        ("time,BTC,btc", 'prices.csv:1: column "BTC": differs from another symbol by case only'),
        ("time,BTC,", "prices.csv:1: every column must have a name"),
        ("time,../x", "a symbol has only letters, digits"),
        ("time,=1+1", "a symbol has only letters, digits"),
        ("time," + "B" * 65, "a symbol has only letters, digits"),
        ("time,open,high,low,close,volume", "prices.csv:1: column 'symbol': must be there"),
        ("time,BTC,event", "prices.csv:1: column 'symbol': must be there"),
        ("time,symbol,price", "prices.csv:1: column 'close': must be there"),
        ("time,symbol,close,volum", "hint: did you mean 'volume'?"),
        ("time,symbol,close,trades", 'column "trades": must be one of time, symbol, close'),
    ],
)
def test_columns_that_are_missing_too_many_or_badly_named_are_refused(tmp_path, header, message):
    cells = ",".join(["1"] * (header.count(",") + 1))
    assert message in refusal(tmp_path, f"{header}\n{cells}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "prices.csv: file is empty"),
        (b"\n\n", "prices.csv: file is empty"),
        (b"time,BTC\n", "prices.csv: has no rows"),
        (WIDE.replace("101.5", "101,5"), "prices.csv:3: must have 3 cells like the header (got 4); hint: decimals"),
        (WIDE.replace(",11\n", "\n"), "prices.csv:3: must have 3 cells like the header (got 2)"),
        (WIDE.replace("\n2025-10-10T02", "\n\n2025-10-10T02"), "prices.csv:4: blank line"),
        (WIDE.replace("101.5", '"101\n.5"'), "prices.csv:3: a quoted cell must end on its line"),
        (WIDE.replace("101.5", '"101"5'), "prices.csv:3: a quoted cell must end on its line"),
        (WIDE.replace("101.5", "101\x00"), "prices.csv:3: control character U+0000"),
        (WIDE.replace("101.5", "101\r"), "prices.csv:3: control character U+000D"),
        (WIDE.encode("utf-16"), "prices.csv: not UTF-8 (byte 0xFF at offset 0)"),
        (WIDE.encode().replace(b"101.5", b"\xe9"), "prices.csv: not UTF-8 (byte 0xE9 at offset"),
        (gzip.compress(WIDE.encode(), mtime=0), "prices.csv: compressed input is not supported"),
        (b"PK\x03\x04" + WIDE.encode(), "prices.csv: compressed input is not supported"),
        ("time," + "B" * 20_000, "prices.csv:1: line longer than 10,000 characters"),
    ],
)
def test_a_file_that_is_no_plain_csv_is_refused(tmp_path, text, message):
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prices.csv.gz", "compressed input is not supported"),
        ("prices.zip", "compressed input is not supported"),
        ("prices.pkl", 'unsupported type ".pkl"; use .csv or .parquet'),
        ("prices", 'unsupported type ""; use .csv or .parquet'),
    ],
)
def test_other_types_of_file_are_refused_unread(tmp_path, name, message):
    (tmp_path / name).write_text(WIDE)
    with pytest.raises(PriceDataError, match=re.escape(f"{name}: {message}")):
        read_prices(tmp_path / name)


def test_a_file_that_is_not_there_is_told_what_is(tmp_path):
    (tmp_path / "prices.csv").write_text(WIDE)
    with pytest.raises(PriceDataError, match=r"price file not found: price\.csv; hint: similar file 'prices\.csv'"):
        read_prices(tmp_path / "price.csv")
    with pytest.raises(PriceDataError, match=r"price file not found: p\.csv$"):
        read_prices(tmp_path / "no" / "p.csv")


def test_folders_pipes_and_devices_are_not_opened(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    for name in ("folder", "pipe", "endless"):
        with pytest.raises(PriceDataError, match=f"{name}.csv: not a regular file"):
            read_prices(tmp_path / f"{name}.csv")


def test_files_too_large_are_refused_unread(tmp_path):
    for name, mebibytes in (("huge.csv", 5_000), ("huge.parquet", 50_000)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(mebibytes * 2**20)  # sparse: it takes no room on the disk
        tracemalloc.start()
        with pytest.raises(PriceDataError, match=f"file has {mebibytes:,} MiB; limit"):
            read_prices(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


def test_a_csv_of_too_many_cells_is_refused_before_it_is_taken_apart(tmp_path):
    text = "time,BTC\n" + "1,1\n" * 2_000_001
    assert refusal(tmp_path, text) == (
        "prices.csv: file has 4,000,004 cells; limit 4,000,000; hint: store it as Parquet"
    )


def test_a_parquet_file_of_too_many_cells_is_refused_before_it_is_read(tmp_path, monkeypatch):
    wide_frame().to_parquet(tmp_path / "p.parquet")
    monkeypatch.setattr(price_file, "MOST_CELLS", 11)
    with pytest.raises(PriceDataError, match=r"p.parquet: file has 12 cells; limit 11"):
        read_prices(tmp_path / "p.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", WIDE.encode(), b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_a_broken_parquet_file_is_refused(tmp_path, content):
    (tmp_path / "p.parquet").write_bytes(content)
    with pytest.raises(PriceDataError, match=r"^p.parquet: not a readable Parquet file \([^\n]*\)$"):
        read_prices(tmp_path / "p.parquet")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("BTC", ["a", "b", "c", "d"], "p.parquet:1: column 'BTC': must hold numbers (got text)"),
        ("BTC", [True] * 4, "p.parquet:1: column 'BTC': must hold numbers (got bool)"),
        ("BTC", [1.0, -2.0, 3.0, 4.0], "p.parquet:2: column 'BTC': must be a finite number greater than 0 (got -2.0)"),
        ("BTC", [1.0, 2.0, float("inf"), 4.0], "p.parquet:3: column 'BTC': must be a finite number"),
        ("BTC", [1.0, 2.0, 3.0, None], "p.parquet:4: column 'BTC': must have a price at 2025-10-10 03:00"),
        ("time", ["x", "y", "z", "w"], "p.parquet:1: column 'time': must be a time"),
        ("time", [True] * 4, "p.parquet:1: column 'time': must hold numbers (got bool)"),
        ("time", pd.to_datetime([HOURS[0], None, HOURS[2], HOURS[3]]), "p.parquet:2: column 'time': must be a time"),
    ],
)
def test_a_parquet_column_of_the_wrong_kind_is_refused_with_its_row(tmp_path, column, values, message):
    wide_frame().assign(**{column: values}).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PriceDataError, match=f"^{re.escape(message)}"):
        read_prices(tmp_path / "p.parquet")


@given(st.data())
def test_a_mutilated_file_gives_prices_or_a_refusal_and_nothing_else(tmp_path_factory, data):
    text = bytearray(data.draw(st.sampled_from([WIDE, LONG])).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        text = text or bytearray(b"x")
    path = tmp_path_factory.mktemp("mutilated") / "prices.csv"
    path.write_bytes(bytes(text))
    try:
        table = read_prices(path, fill=data.draw(st.sampled_from([None, "previous"])))
    except PriceDataError as error:
        assert all(line.startswith(("prices.csv", "start", "end")) for line in error.problems)
    else:
        assert (table.prices > 0).all()
        assert table.prices.shape == (len(table.times), len(table.names))


def test_only_too_many_cells_look_like_numbers_with_a_comma(tmp_path):
    assert refusal(tmp_path, WIDE.replace(",11\n", "\n")) == "prices.csv:3: must have 3 cells like the header (got 2)"
    assert refusal(tmp_path, WIDE.replace("101.5", "101,5")).endswith(
        "; hint: decimals with a point, no thousands separator"
    )


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ([1, 1, 2, 2], "prices.parquet:1: column 'symbol': must be text (got int64)"),
        (["BTC", "BTC", "btc", "btc"], "differs from another symbol by case only"),
        (["BTC", "BTC", None, None], 'column "": a symbol has only letters'),
    ],
)
def test_symbols_of_a_parquet_file_are_text(tmp_path, symbols, message):
    frame = pd.DataFrame({"time": pd.to_datetime(HOURS[:2] * 2), "symbol": symbols, "close": [1.0, 2.0, 3.0, 4.0]})
    frame.to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(PriceDataError) as caught:
        read_prices(tmp_path / "prices.parquet")
    assert message in str(caught.value)


def test_a_parquet_file_in_the_long_layout_is_read_as_one_in_the_wide(tmp_path):
    frame = pd.DataFrame(
        {"time": pd.to_datetime(HOURS[:2] * 2), "symbol": ["B", "B", "A", "A"], "close": [1.0, 2, 3, 4]}
    )
    frame.to_parquet(tmp_path / "prices.parquet")
    found = read_prices(tmp_path / "prices.parquet")
    assert (found.names, found.prices.tolist()) == (("B", "A"), [[1.0, 3.0], [2.0, 4.0]])

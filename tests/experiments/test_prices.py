"""Prices come in as they stand in the file, in either layout and format, and only for what was chosen."""

import numpy as np
import pandas as pd
import pytest

from experiments.prices import read_prices
from simulation.errors import PriceDataError
from tests.experiments.price_files import HOURS, LONG, WIDE, panel, wide_frame

CLOSES = np.array([[100.5, 10], [101.5, 11], [102.5, 12], [103.5, 13]])


def read(folder, text, name="prices.csv", **choice):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_prices(path, **choice)


def refusal(folder, text, **choice):
    with pytest.raises(PriceDataError) as error:
        read(folder, text, **choice)
    return str(error.value)


# Layouts and formats


def test_a_wide_csv_becomes_a_table_of_closes(tmp_path):
    table = read(tmp_path, WIDE)
    assert table.names == ("BTC", "ETH")
    assert np.array_equal(table.prices, CLOSES)
    assert list(table.times) == list(pd.to_datetime(HOURS))
    assert (len(table), table.step_seconds, table.source) == (4, 3600.0, "prices.csv")
    assert np.array_equal(table.frame()["ETH"], CLOSES[:, 1])


def test_a_long_csv_gives_the_same_whether_by_symbol_or_by_time(tmp_path):
    header, *rows = LONG.splitlines()
    by_time = "\n".join([header, *sorted(rows)])
    for text in (LONG, by_time):
        table = read(tmp_path, text)
        assert table.names == ("BTC", "ETH")
        assert np.array_equal(table.prices, CLOSES - [0.5, 0])


@pytest.mark.parametrize("index", [False, True])
def test_parquet_and_csv_give_the_same_table(tmp_path, index):
    frame = wide_frame()
    (frame.set_index("time").rename_axis(None) if index else frame).to_parquet(tmp_path / "p.parquet")
    table = read_prices(tmp_path / "p.parquet")
    assert np.array_equal(table.prices, CLOSES)
    assert table.times.equals(read(tmp_path, WIDE).times)


def test_a_stored_row_number_is_no_symbol(tmp_path):
    wide_frame().iloc[[3, 2, 1, 0]].sort_values("time").to_parquet(tmp_path / "p.parquet")
    assert read_prices(tmp_path / "p.parquet").names == ("BTC", "ETH")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + WIDE,
        WIDE.replace("\n", "\r\n"),
        WIDE.rstrip("\n"),
        WIDE.replace(",", " , "),
        WIDE.replace("BTC", '"BTC"').replace("100.5", '"100.5"'),
        WIDE.replace("time", "Date").replace("Z", "+00:00"),
        WIDE.replace("Z", ""),
        WIDE.replace("10T", "10 ").replace("Z", " UTC"),
        WIDE.replace("100.5", "1.005e2").replace(",10\n", ",+10.0\n"),
    ],
)
def test_harmless_variants_are_the_same_prices(tmp_path, text):
    table = read(tmp_path, text)
    assert np.array_equal(table.prices, CLOSES)
    assert table.times[0] == pd.Timestamp("2025-10-10T00:00Z")


@pytest.mark.parametrize("scale", [1, 1000])
def test_unix_seconds_and_milliseconds_are_times(tmp_path, scale):
    rows = "".join(f"{(1_760_054_400 + 300 * i) * scale},{i + 1}\n" for i in range(3))
    table = read(tmp_path, f"time,BTC\n{rows}")
    assert (table.times[0], table.step_seconds) == (pd.Timestamp("2025-10-10T00:00Z"), 300.0)


def test_other_time_zones_become_utc(tmp_path):
    table = read(tmp_path, "time,BTC\n2025-10-10T02:00+02:00,1\n2025-10-10T01:00+00:00,2\n")
    assert list(table.times.hour) == [0, 1]


def test_floats_come_in_to_the_last_bit(tmp_path):
    values = np.random.default_rng(1).lognormal(0, 20, 50)
    rows = "".join(f"{1_760_054_400 + i},{value!r}\n" for i, value in enumerate(values.tolist()))
    assert np.array_equal(read(tmp_path, f"time,BTC\n{rows}").prices[:, 0], values)


# Choices


def test_symbols_come_in_the_order_asked_for(tmp_path):
    for text in (WIDE, LONG):
        assert read(tmp_path, text, symbols=["ETH", "BTC"]).names == ("ETH", "BTC")
        assert read(tmp_path, text, symbols=["ETH"]).prices[:, 0].tolist() == [10, 11, 12, 13]


@pytest.mark.parametrize("start", ["2025-10-10T01:00Z", "2025-10-10 03:00+02:00", pd.Timestamp("2025-10-10 01:00")])
def test_a_window_has_both_its_ends(tmp_path, start):
    for text in (WIDE, LONG):
        table = read(tmp_path, text, start=start, end="2025-10-10T02:00")
        assert table.prices[:, 1].tolist() == [11, 12]


def test_event_and_kind_choose_rows_of_a_long_file(tmp_path):
    rows = [f"{e},{k},{at},BTC,{p}\n" for e, k, p in (("a", "spot", 1), ("a", "perp", 2)) for at in HOURS]
    text = "event,kind,time,symbol,close\n" + "".join(rows)
    assert read(tmp_path, text, event="a", kind="perp").prices[0, 0] == 2
    assert read(tmp_path, text, kind="spot").prices[0, 0] == 1
    assert refusal(tmp_path, text) == "prices.csv: kind: must be chosen, the file has several: spot, perp"
    wrong = refusal(tmp_path, text, kind="Spot")
    assert wrong.startswith('prices.csv: kind: must be one of spot, perp (got "Spot")')
    assert wrong.endswith("did you mean 'spot'?")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"symbols": ["XBT"]}, "prices.csv: symbols: must be among BTC, ETH (got \"XBT\"); hint: did you mean 'BTC'?"),
        ({"symbols": []}, "symbols: must be a list of names (got [])"),
        ({"symbols": "BTC"}, 'symbols: must be a list of names (got "BTC")'),
        ({"symbols": ["BTC", "BTC"]}, "symbols: each may occur once only"),
        ({"start": "now"}, 'start: must be a time such as 2025-10-10 or 2025-10-10T21:00Z (got "now")'),
        ({"end": "2025-13-40"}, "end: must be a time such as"),
        ({"start": 5}, "start: must be a time such as"),
        ({"start": "2025-10-11", "end": "2025-10-10"}, "start: must not be after end"),
        (
            {"start": "2026-01-01"},
            "prices.csv: no rows in the window; the file goes from 2025-10-10 00:00:00+00:00 to ",
        ),
        ({"symbols": ["eth"]}, "prices.csv: symbols: must be among BTC, ETH (got \"eth\"); hint: did you mean 'ETH'?"),
        ({"end": "2025-10-10T00:30Z"}, "must have at least 2 rows in the window (got 1)"),
        ({"fill": "zero"}, 'fill: must be "previous" or left out (got "zero")'),
        ({"event": "crash"}, "event: cannot be chosen, the file has no column 'event'"),
        ({"symbol": ["BTC"]}, "symbol: not a choice; must be one of symbols, start"),
    ],
)
def test_a_choice_that_cannot_be_met_is_told_what_there_is(tmp_path, choice, message):
    assert message in refusal(tmp_path, WIDE, **choice)


@pytest.mark.parametrize(
    ("count", "rest"), [(20, "S19 (got"), (21, "S19 and 1 more (got"), (25, "S19 and 5 more (got")]
)
def test_of_many_symbols_twenty_are_listed_and_the_others_counted(tmp_path, count, rest):
    header = ",".join(["time", *(f"S{i:02}" for i in range(count))])
    rows = "".join(",".join([at, *["1"] * count]) + "\n" for at in HOURS)
    assert rest in refusal(tmp_path, f"{header}\n{rows}", symbols=["none such"])


# Holes


def test_a_hole_outside_of_the_choice_does_not_matter(tmp_path):
    text = WIDE.replace("100.5", "")
    assert read(tmp_path, text, symbols=["ETH"]).names == ("ETH",)
    assert len(read(tmp_path, text, start=HOURS[1])) == 3


def test_a_hole_inside_is_refused_with_its_time_and_symbol_and_how_to_go_on(tmp_path):
    for blank in ("", "nan", "NaN"):
        assert refusal(tmp_path, WIDE.replace("101.5", blank)) == (
            "prices.csv:3: column 'BTC': must have a price at 2025-10-10 01:00 (got a blank cell, one of 1); "
            'hint: choose symbols or a window, or fill="previous"'
        )
    absent = refusal(tmp_path, LONG.replace(f"{HOURS[2]},ETH,12,2\n", ""))
    assert absent.startswith("prices.csv: column 'ETH': must have a price at 2025-10-10 02:00 (got no row, one of 1)")


def test_filling_repeats_the_close_before_and_invents_nothing_at_the_start(tmp_path):
    assert read(tmp_path, WIDE.replace("101.5", ""), fill="previous").prices[:, 0].tolist() == [
        100.5,
        100.5,
        102.5,
        103.5,
    ]
    table = read(tmp_path, LONG.replace(f"{HOURS[2]},ETH,12,2\n", ""), fill="previous")
    assert table.prices[:, 1].tolist() == [10, 11, 11, 13]
    assert "nothing before it to repeat" in refusal(tmp_path, WIDE.replace("100.5", ""), fill="previous")


def test_missing_rows_are_a_gap_and_can_be_filled(tmp_path):
    text = "time,BTC\n" + "".join(f"2025-10-10T0{h}:00Z,{h + 1}\n" for h in (0, 1, 2, 5, 6))
    assert refusal(tmp_path, text) == (
        "prices.csv:5: column 'time': must be 0 days 01:00:00 after the row before "
        '(got "0 days 03:00:00 after 2025-10-10 02:00"); hint: choose symbols or a window, or fill="previous"'
    )
    table = read(tmp_path, text, fill="previous")
    assert table.prices[:, 0].tolist() == [1, 2, 3, 3, 3, 6, 7]
    assert table.step_seconds == 3600


def test_times_off_the_grid_are_refused_even_when_filling(tmp_path):
    text = WIDE.replace("02:00:00", "02:10:00")
    for choice in ({}, {"fill": "previous"}):
        assert "prices.csv:4: column 'time': must be" in refusal(tmp_path, text, **choice)


def test_filling_a_gap_of_a_century_of_seconds_is_refused(tmp_path):
    text = "time,BTC\n1900-01-01T00:00:00Z,1\n1900-01-01T00:00:01Z,1\n2025-01-01T00:00:00Z,1\n"
    assert "filling the gaps would take 3,944,678,401 rows" in refusal(tmp_path, text, fill="previous")


# The real panels


@pytest.mark.data
def test_the_hourly_panel_is_read_in_a_window_and_refused_as_a_whole():
    path = panel("crypto_hourly_close.parquet")
    table = read_prices(path, symbols=["BTC", "ETH", "SOL"], start="2025-10-07", end="2025-10-15T23:00")
    assert (table.prices.shape, table.step_seconds) == ((216, 3), 3600.0)
    low = table.frame()["BTC"].idxmin()
    assert low.day in {10, 11, 12}
    with pytest.raises(PriceDataError, match=r"column 'SOL': must have a price at 2018-01-01 00:00"):
        read_prices(path)
    assert len(read_prices(path, symbols=["BTC", "ETH"], fill="previous")) > 70_000


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "event", "step"),
    [
        ("stress_hourly_ohlcv.parquet", "2020-03_covid", 3600),
        ("stress_hourly_ohlcv.parquet", "2022-11_ftx", 3600),
        ("stress_hourly_ohlcv.parquet", "2025-10_adl", 3600),
        ("stress_5m_ohlcv.parquet", "2025-10_adl", 300),
    ],
)
def test_the_stress_panels_are_read_by_event_and_kind(file, event, step):
    for kind in ("spot", "perp"):
        table = read_prices(panel(file), event=event, kind=kind)
        assert table.step_seconds == step
        assert len(table.names) >= 5
    with pytest.raises(PriceDataError, match="event: must be chosen, the file has several"):
        read_prices(panel(file))

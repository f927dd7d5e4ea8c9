"""Small price files for the tests, and the real panels where they are."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PANELS = Path(os.environ.get("CROSSMARGIN_DATA") or Path(__file__).parents[3] / "shared" / "data")

HOURS = [f"2025-10-10T{hour:02}:00:00Z" for hour in range(4)]
WIDE = "time,BTC,ETH\n" + "".join(f"{at},{100 + i}.5,{10 + i}\n" for i, at in enumerate(HOURS))
LONG = "time,symbol,close,volume\n" + "".join(
    f"{at},{symbol},{price + i},{i}\n" for symbol, price in (("BTC", 100), ("ETH", 10)) for i, at in enumerate(HOURS)
)


def panel(name):
    """The path of a real panel; the test is skipped where it is absent."""
    path = PANELS / name
    if not path.is_file():
        pytest.skip(f"{name} is not here: the real price panels are not shipped (set CROSSMARGIN_DATA)")
    return path


def wide_frame():
    times = pd.to_datetime(HOURS)
    return pd.DataFrame({"time": times, "BTC": 100.5 + np.arange(4), "ETH": 10 + np.arange(4)})

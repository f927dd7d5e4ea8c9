# ruff: noqa: E501 - a table is read row by row
"""The bad-input catalogue for the command line and for price files given to it."""

import re
from pathlib import Path

import pytest

from tests.bad_input.contract import PLAIN, refused

COMMANDS = [
    ([], ""),
    (["chek", "x"], r"command: must be one of compare, run, check, new, list, bench, presets, conformance, theory, explain, contagion, impulse, warn, loops, ask \(got \"chek\"\); did you mean 'check'"),
    (["run"], r"SCENARIO: required, but missing"),
    (["run", "plain.toml", "--levrage", "3"], r"no such option '--levrage'"),
    (["run", "plain.toml", "extra"], r"unexpected extra argument"),
    (["run", "plain.toml", "--seed", "abc"], r"--set seed=abc: seed: must be a whole number \(got text \"abc\"\)"),
    (["run", "plain.toml", "--seed", "-1"], r"--set seed=-1: seed: must be at least 0 \(got -1\)"),
    (["run", "plain.toml", "--seed", "1", "--set", "seed=2"], r"--set seed=1: seed is set twice"),
    (["run", "plain.toml", "--set", "nope=1"], r"--set nope=1: nope: unknown field"),
    (["run", "plain.toml", "--set", "nope"], r"--set nope: must be path=value"),
    (["run", "plain.toml", "--set", "=1"], r"--set =1: must be path=value"),
    (["run", "plain.toml", "--set", "a..b=1"], r"--set a\.\.b=1: must be path=value"),
    (["run", "plain.toml", "--set", "steps="], r"--set steps=: value must be a number"),
    (["run", "plain.toml", "--set", "steps=1\nseed=2"], r"--set steps=1.nseed=2: value must be one value"),
    (["run", "plain.toml", "--set", "steps=" + "[" * 600], r"--set steps=\[+\.*: value is too long"),
    (["run", "plain.toml", "--set", "steps=1_0.5"], r"steps: must be a whole number"),
    (["run", "plain.toml", "--set", "margin.kind=crss"], r"--set margin.kind=crss: margin.kind: must be one of .*did you mean 'cross'"),
    (["run", "plain.toml", "--set", "margin.correlation=abc"], r"--set margin.correlation=abc: margin"),
    (["run", "plain.toml", "--set", "markets.XBT.price=1"], r"no entry is called 'XBT'; known: BTC, ETH"),
    (["run", "plain.toml", "--set", "markets[7].price=1"], r"\[7\] is beyond the end; there are 2 entries"),
    (["run", "plain.toml", "--set", "markets.BTC.price=-1"], r"markets\[0\].price: must be greater than 0 \(got -1\)"),
    (["run", "plain.toml", "--set", "population.holder.levrage=1"], r"population\[0\].levrage: unknown field"),
    (["run", "plain.toml", "--set", "steps.deep=1"], r"steps: must be a whole number \(got a table\)"),
    (["run", "plain.toml", "--set", "markets[0][1]=1"], r"--set markets\[0\]\[1\]=1: markets\[0\].1: unknown field"),
    (["run", "plain.toml", "--plugin", "missing.py"], r"--plugin missing.py: file not found"),
    (["run", "plain.toml", "--plugin", "no_such_module_anywhere"], r"no such module"),
    (["run", "plain.toml", "--plugin", "os;system"], r"--plugin os;system: must be the name of a module"),
    (["run", "plain.toml", "--plugin", "json"], r"--plugin json: defines neither a trader nor a rule"),
    (["run", "plain.toml", "--plugin", "broken.py"], r"--plugin broken.py: line 2: "),
    (["run", "plain.toml", "--plugin", "raises.py"], r"--plugin raises.py: line 2: ZeroDivisionError: division by zero"),
    (["run", "plain.toml", "--plugin", "empty.py"], r"--plugin empty.py: defines neither a trader nor a rule"),
    (["run", "plain.toml", "--plugin", "clash.py"], r"--plugin clash.py: Clash: kind 'holder' of Trader is taken"),
    (["run", "plain.toml", "--out", "plain.toml"], r"plain.toml: must be a folder"),
    (["run", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["run", "plain.toml", "--out", "full", "--overwrite"], r"full: not overwritten"),
    (["compare", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["compare", "plain.toml", "--workers", "0"], r"--workers: must be 1 to 64 \(got 0\)"),
    (["compare", "plain.toml", "--workers", "-1"], r"--workers: must be 1 to 64"),
    (["compare", "plain.toml", "--workers", "10000"], r"--workers: must be 1 to 64"),
    (["compare", "plain.toml", "--workers="], r"--workers: '' is not a valid int"),
    (["compare", "plain.toml", "--seeds", "0"], r"seeds: must be 1 to .* seeds \(got 0\)"),
    (["compare", "plain.toml", "--seeds", "-3"], r"--seeds: must be a number of seeds"),
    (["compare", "plain.toml", "--seeds", "1,1"], r"seeds: 1 is listed more than once"),
    (["compare", "plain.toml", "--seeds", "5-1"], r"--seeds: a range must rise"),
    (["compare", "plain.toml", "--seeds", "1-999999999"], r"--seeds: a range must rise and hold at most 100,000"),
    (["compare", "plain.toml", "--seeds", "1,,2"], r"--seeds: must be a number of seeds"),
    (["compare", "plain.toml", "--seeds", "１"], r"--seeds: must be a number of seeds"),
    (["compare", "plain.toml", "--seeds", "9" * 50], r"--seeds: must be a number of seeds"),
    (["list", "metric"], r"list: must be metrics or nothing \(got \"metric\"\)"),
    (["bench", "--accounts", "0"], r"--accounts: must be 1 to 10,000,000 \(got 0\)"),
    (["bench", "--repeats", "0"], r"--repeats: must be 1 to 1,000 \(got 0\)"),
    (["bench", "--graph", "59"], r"--graph: must be 60 to 1,000,000 \(got 59\)"),
    (["explain", "nowhere"], r"scenario file not found: nowhere"),
    (["explain", "full"], r"full: holds no scenario.toml"),
    (["explain", "plain.toml", "holdr[0]"], r"account: there is no \"holdr\[0\]\"; did you mean 'holder\[0\]'"),
    (["explain", "plain.toml", "holder[99]"], r"account: there is no \"holder\[99\]\"; holder has the members holder\[0\] to "),
    (["explain", "plain.toml", "--without", "x"], r"account: there is no \"x\"; groups: "),
    (["explain", "plain.toml", "--cause", "bad luck"], r"causes: must be among impact, pooling, delay, insurance, margin, leverage \(got \"bad luck\"\)"),
    (["contagion", "nowhere"], r"scenario file not found: nowhere"),
    (["contagion", "plain.toml", "--seeds", "0"], r"--seeds: must be 1 to 1,000 \(got 0\)"),
    (["contagion", "plain.toml", "--film"], r"--film: needs --out"),
    (["contagion", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["warn", "nowhere"], r"scenario file not found: nowhere"),
    (["warn", "plain.toml", "--window", "0"], r"--window: must be above 0 and at most 1 \(got 0\)"),
    (["warn", "plain.toml", "--window", "nan"], r"--window: must be above 0 and at most 1 \(got nan\)"),
    (["warn", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["ask", "depge"], r"QUESTION: must be one of collateral_basket, .* \(got \"depge\"\); did you mean 'depeg'"),
    (["ask", "--out", "answers"], r"--out: needs a QUESTION"),
    (["ask", "depeg", "--out", "full"], r"full: already holds files"),
    (["impulse", "nowhere"], r"scenario file not found: nowhere"),
    (["impulse", "plain.toml", "--seeds", "0"], r"--seeds: must be 1 to 1,000 \(got 0\)"),
    (["impulse", "plain.toml", "--shock", "0"], r"shock: must be a return from above -1 to 10, and not 0 \(got 0.0\)"),
    (["impulse", "plain.toml", "--shock", "nan"], r"shock: must be a return from above -1 to 10, and not 0 \(got nan\)"),
    (["impulse", "plain.toml", "--step", "0"], r"step: must be 1 to [0-9,]+, the last step \(got 0\)"),
    (["impulse", "plain.toml", "--horizon", "0"], r"horizon: must be at least 1 step \(got 0\)"),
    (["impulse", "plain.toml", "--market", "nobody"], r"markets: must be among .* \(got \"nobody\"\)"),
    (["impulse", "plain.toml", "crss"], r"regimes: must be among .* \(got \"crss\"\)"),
    (["impulse", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["loops", "nowhere"], r"scenario file not found: nowhere"),
    (["loops", "--seeds", "0"], r"--seeds: must be 1 to 1,000 \(got 0\)"),
    (["loops", "plain.toml", "--loop", "impcat"], r"loops: must be among impact, .*did you mean 'impact'"),
    (["loops", "plain.toml", "--loop", "impact", "--loop", "impact"], r"loops: each must be named once"),
    (["loops", "plain.toml", "--out", "full"], r"full: already holds files"),
    (["new", "plain.toml"], r"plain.toml: exists already"),
    (["new", "x.yaml"], r"x.yaml: must end in .toml"),
    (["new", "no/such/folder/x.toml"], r"no/such/folder/x.toml: cannot be written"),
    (["new", ".toml"], r".toml: must end in .toml"),
]
PRICES = [
    ("time,BTC\n2020-01-01,1\n2020-01-02,2\n", r"prices.csv: symbols: must be among BTC \(got \"ETH\"\)"),
    ("time,BTC,ETH\n2020-01-01,1,#N/A\n2020-01-02,2,2\n", r"prices.csv:2: column 'ETH': must be"),
    ("time,BTC,ETH\n2020-01-01,1,-2\n2020-01-02,2,2\n", r"prices.csv:2: column 'ETH': must be"),
    ("time,BTC,ETH\n2020-01-01,1,1e400\n2020-01-02,2,2\n", r"prices.csv:2: column 'ETH': must be"),
    ("time,BTC,ETH\n2020-01-02,1,1\n2020-01-01,2,2\n", r"prices.csv:3: .*must come after the row before"),
    ("time,BTC,ETH\n2020-01-01,1,1\n2020-01-01,2,2\n", r"prices.csv:3: .*must occur once"),
    ("time,BTC,ETH\n", r"prices.csv"),
    ("", r"prices.csv"),
    ("BTC,ETH\n1,2\n", r"column 'time': must be there"),
]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    Path("broken.py").write_text("x = 1\ndef (:\n")
    Path("raises.py").write_text("x = 0\ny = 1 / x\n")
    Path("empty.py").write_text("x = 0\n")
    Path("clash.py").write_text("from agents.trader import Trader\n\nclass Clash(Trader):\n    kind = 'holder'\n")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("precious")
    return tmp_path


@pytest.mark.parametrize(("arguments", "message"), COMMANDS[1:], ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "")
def test_a_bad_command_line_is_refused_in_one_line(
    arguments: list[str], message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = refused(arguments, capsys, workplace / "results")
    assert re.search(message, line), line
    assert (workplace / "full" / "mine.txt").read_text() == "precious"
    assert (workplace / "plain.toml").read_text() == PLAIN


@pytest.mark.parametrize(("text", "message"), PRICES)
def test_a_bad_price_file_is_refused_with_its_line_and_column(
    text: str, message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("prices.csv").write_text(text)
    lines = refused(["run", "plain.toml", "--prices", "prices.csv", "--out", "results"], capsys, workplace / "results")
    assert any(re.search(message, line) for line in lines), "\n".join(lines)


@pytest.mark.parametrize("name", ["missing.csv", "full", "prices.csv.gz", "plain.toml"])
def test_what_is_no_price_file_is_refused(name: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name.endswith(".gz"):
        Path(name).write_bytes(b"\x1f\x8b" + b"\0" * 100)
    (line,) = refused(["run", "plain.toml", "--prices", name], capsys, workplace / "results")
    assert name in line

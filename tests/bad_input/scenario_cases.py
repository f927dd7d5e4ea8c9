# ruff: noqa: E501 - a table is read row by row
"""Rows of the bad-input catalogue that apply to scenario files in TOML."""

from tests.bad_input.contract import PLAIN, Case, changed, top

PRICE, GROUP = 'kind = "gbm"', 'kind = "holder"'
LONG = "9" * 5000


def _price(text: str) -> str:
    return changed('[price]\nkind = "gbm"', f"[price]\n{text}")


def _group(text: str) -> str:
    return PLAIN + text


def _market(text: str) -> str:
    return changed('name = "BTC"\nprice = 100.0', text)


SYNTAX = [
    Case("4", "", r"file is empty; a scenario needs"),
    Case("4", "# only a comment\n\n", r"file is empty"),
    Case("8", "a = [1, 2\nb = 3", r"case.toml:2:1: TOML: "),
    Case("18", top("seed = 1\nseed = 2"), r"case.toml:2:9: TOML: .*duplicate key"),
    Case("18", PLAIN + "[price]\nkind = 'gbm'\n", r"case.toml:1\d:\d+: TOML: .*duplicate"),
    Case("10", top('name = "a\x00b"'), r"case.toml:1:10: control character U\+0000"),
    Case("10", top('name = "a\x1bb"'), r"control character U\+001B"),
    Case("17", top(f"x = {'[' * 5000}"), r"case.toml:1:25: nesting deeper than 20"),
    Case("17", top(f"x = {'{a=' * 3000}"), r"nesting deeper than 20"),
    Case("17", top(f"{'a.' * 100_000}a = 1"), r"nesting deeper than 20"),
    Case("17", top(f"[{'a.' * 3000}a]"), r"nesting deeper than 20"),
    Case("27", changed("steps = 4", "steps = 010"), r"case.toml:2:\d+: TOML: .*leading zero"),
    Case("30", changed("steps = 4", "steps = 1,000"), r"case.toml:2:10: TOML: .*thousands"),
    Case("35", changed("steps = 4", "steps = 50%"), r"case.toml:2:11: TOML: .*unit"),
    Case("36", changed("steps = 4", "steps = 10x"), r"case.toml:2:11: TOML"),
    Case("25", changed("steps = 4", "steps = NO"), r"case.toml:2:9: TOML: .*text needs quotes"),
    Case("37", changed("steps = 4", "steps ="), r"case.toml:2:\d+: TOML"),
    Case("41", changed("steps = 4", "steps = ３"), r"case.toml:2:9: TOML"),
    Case("48", top(f"seed = {LONG}"), r"case.toml: a number is too long"),
    Case("5", "[1, 2]", r"case.toml:1:\d: TOML"),
    Case("6", "hello", r"case.toml:1:\d: TOML"),
    Case("19", "1 2 = 3", r"case.toml:1:3: TOML"),
]
TYPES = [
    Case("38", changed("count = 3", 'count = "3"'), r"population\[0\].count: must be a whole number \(got text \"3\"\)"),
    Case("39", changed("count = 3", "count = true"), r"population\[0\].count: must be a whole number \(got true\)"),
    Case("40", changed("count = 3", "count = 100.9"), r"population\[0\].count: must be a whole number \(got 100.9\)"),
    Case("40", changed("count = 3", "count = 100.0"), r"population\[0\].count: must be a whole number \(got 100.0\)"),
    Case("35", _group('leverage = "50%"'), r'case.toml:14:1: population\[0\].leverage: must be a number.*\(got "50%"\)'),
    Case("35", top('reuse_share = "50%"'), r"case.toml:1:1: reuse_share: must be a number .*hint: 0.5"),
    Case("36", top('reuse_share = "1x"'), r"reuse_share: must be a number .*hint: 1"),
    Case("30", top('insurance_fund = "1,000"'), r"insurance_fund: must be a number .*hint: 1000"),
    Case("29", top('insurance_fund = "1_000"'), r"insurance_fund: must be a number .*hint: 1000"),
    Case("41", top('insurance_fund = "１２"'), r"insurance_fund: must be a number"),
    Case("33", top("insurance_fund = 2024-01-01"), r"insurance_fund: must be a number \(got 2024-01-01\)"),
    Case("31", top("seed = 12:30:45"), r"seed: must be a whole number"),
    Case("34", top("seed = 2024-02-30"), r"case.toml:1:\d+: TOML"),
    Case("32", top('reuse_share = "1:30"'), r"reuse_share: must be a number"),
    Case("25", top('margin = {kind = "NO"}'), r'margin.kind: must be one of .*cross, .*isolated, .*portfolio, .*\(got "NO"\)'),
    Case("25", top("margin = {kind = true}"), r"margin.kind: must be one of .*cross, .*isolated, .*portfolio, .*\(got true\)"),
    Case("42", top("margin = 3"), r"margin: must be a table with a 'kind' \(got 3\)"),
    Case("42", top('margin = ["cross"]'), r"margin: must be a table with a 'kind' \(got a list of 1\)"),
    Case("42", 'population = 3\n[price]\nkind = "gbm"', r"population: must be a list \(got 3\)"),
    Case("42", 'population = [3]\n[price]\nkind = "gbm"', r"population\[0\]: must be a table \(got 3\)"),
    Case("42", changed("[[population]]", "[population]"), r"population: must be a list \(got a table\)"),
    Case("42", changed("price = 100.0", "price = [100.0]"), r"markets\[0\].price: must be a number \(got a list of 1\)"),
    Case("42", top("fees = 0.1"), r"fees: must be a table \(got 0.1\)"),
    Case("42", changed('name = "BTC"', "name = 5"), r"markets\[0\].name: must be text \(got 5\)"),
    Case("42", top("about = 5"), r"about: must be text \(got 5\)"),
    Case("42", _group("isolated = 'BTC'"), r"population\[0\].isolated: must be a list \(got \"BTC\"\)"),
    Case("42", _group("pools = 3"), r"population\[0\].pools: must be a table \(got 3\)"),
    Case("39", _group("leverage = true"), r"population\[0\].leverage: must be a number \(got true\)"),
    Case("42", _group("weights = 3"), r"population\[0\].weights: must be a table"),
    Case("42", _group("deposit = 'x'"), r"population\[0\].deposit: must be a number"),
    Case("42", _group("deposit = [1.0]"), r"population\[0\].deposit: must be a number \(got a list of 1\)"),
]
RANGES = [
    Case("43", changed("price = 100.0", "price = nan"), r"case.toml:5:1: markets\[0\].price: must be a finite number \(got nan\)"),
    Case("44", changed("price = 100.0", "price = inf"), r"markets\[0\].price: must be a finite number \(got inf\)"),
    Case("44", changed("price = 100.0", "price = 1e400"), r"markets\[0\].price: must be a finite number \(got inf\)"),
    Case("44", _group("leverage = inf"), r"population\[0\].leverage: must be a finite number \(got inf\)"),
    Case("45", changed("price = 100.0", "price = -5"), r"markets\[0\].price: must be greater than 0 \(got -5\)"),
    Case("45", changed("price = 100.0", "price = 0"), r"markets\[0\].price: must be greater than 0 \(got 0\)"),
    Case("46", changed("price = 100.0", "price = 1e-320"), r"markets\[0\].price: must be at least 1e-12"),
    Case("47", top("seed = -1"), r"case.toml:1:1: seed: must be at least 0 \(got -1\)"),
    Case("48", top(f"seed = {'9' * 400}"), r"seed: must be less than .* \(got 400 digits\)"),
    Case("49", top("seed = 1.5"), r"seed: must be a whole number \(got 1.5\)"),
    Case("50", changed("count = 3", "count = 0"), r"population\[0\].count: must be at least 1 \(got 0\)"),
    Case("50", changed("count = 3", "count = -3"), r"population\[0\].count: must be at least 1 \(got -3\)"),
    Case("51", changed("count = 3", "count = 1000000000"), r"population\[0\].count: must be at most 10000000"),
    Case("51", changed("count = 3", "count = 9999999") + PLAIN[PLAIN.index("[[pop") :].replace("3", "9999999\nname='b'"), r"count: .*need about .* GB; limit 8 GB"),
    Case("52", changed("steps = 4", "steps = 1000000000000"), r"steps: must be at most 10000000"),
    Case("52", changed("steps = 4", "steps = 1e12"), r"steps: must be a whole number"),
    Case("53", _group("deposit = 1e300"), r"population\[0\].deposit: add up to"),
    Case("54", _group("leverage = -2"), r"population\[0\].leverage: must be between 0 and 200 \(got -2"),
    Case("54", _group("leverage = 1e9"), r"population\[0\].leverage: must be between 0 and 200 \(got 1"),
    Case("54", _group("leverage_setting = 0"), r"population\[0\].leverage_setting: must be between 1 and 1000"),
    Case(
        "55",
        _market('name = "BTC"\nprice = 100.0\ntiers = [{maintenance_rate = 0.1, initial_rate = 0.05}]'),
        r"case.toml:6:\d+: markets\[0\].tiers\[0\].maintenance_rate: must not exceed initial_rate \(got 0.1 > 0.05\)",
    ),
    Case(
        "56",
        _market('name = "BTC"\nprice = 100.0\ntiers = [{maintenance_rate = 0, initial_rate = 0.05}]'),
        r"markets\[0\].tiers\[0\].maintenance_rate: must be greater than 0 \(got 0\)",
    ),
    Case(
        "56",
        _market('name = "BTC"\nprice = 100.0\ntiers = [{maintenance_rate = 2, initial_rate = 0.05}]'),
        r"markets\[0\].tiers\[0\].maintenance_rate: must be at most 1 \(got 2\)",
    ),
    Case(
        "55",
        _market('name = "BTC"\nprice = 100.0\ntiers = [{floor = 5, maintenance_rate = 0.1, initial_rate = 0.2}]'),
        r"markets\[0\].tiers\[0\].floor: the first tier must start at 0 \(got 5\)",
    ),
    Case("57", top("fees = {taker_rate = 2.0}"), r"fees.taker_rate: must be at most 0.1 \(got 2.0\)"),
    Case("57", top("fees = {taker_rate = -0.1}"), r"fees.taker_rate: must be at least 0"),
    Case("58", top("fees = {insurance_share = 1.5}"), r"fees.insurance_share: must be at most 1"),
    Case("59", top("insurance_fund = -1"), r"insurance_fund: must be at least 0 \(got -1\)"),
    Case("59", top("backstop = {capital = -1}"), r"backstop.capital: must be at least 0"),
    Case("61", _market('name = "BTC"\nprice = 100.0\nlot = 0'), r"markets\[0\].lot: must be greater than 0"),
    Case("61", _market('name = "BTC"\nprice = 100.0\nlot = 0.3'), r"markets\[0\].lot: must be a power of two \(got 0.3\)"),
    Case("62", _price('kind = "gbm"\ncorrelation = 1.2'), r"price.correlation: must be from -1 to 1 \(got 1.2\)"),
    Case("62", _price('kind = "gbm"\ncorrelation = [[1, 0.3], [0.2, 1]]'), r"price.correlation: .*must be symmetric"),
    Case("62", _price('kind = "gbm"\ncorrelation = [[1, 1.5], [1.5, 1]]'), r"price.correlation: \[0\]\[1\] must be a number"),
    Case(
        "62",
        top('margin = {kind = "portfolio", correlation = [[1.0, 0.3], [0.2, 1.0]]}'),
        r"margin.correlation: .*symmetric",
    ),
    Case("63", _price('kind = "gbm"\ncorrelation = [[1, 0], [0, 1], [0, 0]]'), r"price.correlation: must be square"),
    Case("63", _price('kind = "gbm"\ncorrelation = [[1.0]]'), r"price.correlation: must be 2x2 to match the markets"),
    Case("63", top('margin = {kind = "portfolio", correlation = [[1.0]]}'), r"margin.correlation: must be 2x2"),
    Case(
        "64",
        _group('leverage = {kind = "choice", values = [1.0, 2.0], weights = [0.5, 0.47]}'),
        r"population\[0\].leverage.*weights.*sum to 1 \(got 0.97\)",
    ),
    Case("65", _price('kind = "student_t"\ntail_index = 0'), r"price.tail_index: must be greater than 2 \(got 0\)"),
    Case(
        "65",
        _group('deposit = {kind = "pareto", minimum = 1.0, tail_index = 0}'),
        r"population\[0\].deposit.tail_index: must be greater than 0.1",
    ),
    Case("66", top('impact = {kind = "linear", scale = -0.1}'), r"impact.scale: must be at least 0 \(got -0.1\)"),
    Case("67", top('impact = {kind = "square_root", exponent = 5}'), r"impact.exponent: must be at most 2 \(got 5\)"),
    Case("67", top('impact = {kind = "square_root", exponent = 0}'), r"impact.exponent: must be greater than 0"),
    Case("68", _price('kind = "scripted"\nshocks = [{step = 1, size = -1.0}]'), r"price.shocks\[0\].size: must be greater than -1"),
    Case("69", _price('kind = "scripted"\nshocks = [{step = 900, size = -0.1}]'), r"price.shocks\[0\].step: 900 is after the last step 4"),
    Case("71", top("step_seconds = 0"), r"step_seconds: must be greater than 0"),
    Case("71", top("step_seconds = -60"), r"step_seconds: must be greater than 0 \(got -60\)"),
    Case("45", _group("deposit = -1"), r"population\[0\].deposit: must be at least 0 \(got -1\)"),
    Case("45", _group('reserve = {kind = "uniform", low = -5, high = 1}'), r"population\[0\].reserve: must be at least 0"),
    Case("64", _group('deposit = {kind = "uniform", low = 5, high = 1}'), r"population\[0\].deposit.*low.*must not exceed high"),
    Case("54", _group('leverage = {kind = "uniform", low = 5, high = 900}'), r"population\[0\].leverage: must be between 0 and 200"),
    Case("40", _group("decision_steps = 2.5"), r"population\[0\].decision_steps: must be a whole number"),
    Case("40", _group("markets_held = 1.5"), r"population\[0\].markets_held: must be a whole number"),
]
NAMES = [
    Case("73", _group("levrage = 5"), r"case.toml:14:1: population\[0\].levrage: unknown field.*did you mean 'leverage'"),
    Case("73", top("insurence_fund = 5"), r"case.toml:1:1: insurence_fund: unknown field; did you mean 'insurance_fund'\?"),
    Case("73", _market('name = "BTC"\nprice = 100.0\nvolatilty = 1'), r"markets\[0\].volatilty: unknown field; did you mean 'volatility'"),
    Case("74", top("maintenance_rate = 0.1"), r"maintenance_rate: unknown field here; it belongs to .*markets\[\].tiers\[\].maintenance_rate"),
    Case("74", top("offset_cap = 0.1"), r"offset_cap: unknown field here; it belongs to margin.offset_cap of kind portfolio"),
    Case("74", top("taker_rate = 0.1"), r"taker_rate: unknown field here; it belongs to fees.taker_rate"),
    Case("75", changed('[[markets]]\nname = "BTC"\nprice = 100.0\n', "").replace('[[markets]]\nname = "ETH"\nprice = 10.0\n', ""), r"markets: required, but missing"),
    Case("75", changed('[price]\nkind = "gbm"', ""), r"price: required, but missing"),
    Case("75", changed("price = 100.0", ""), r"case.toml:3:1: markets\[0\].price: required, but missing"),
    Case("75", changed("count = 3", ""), r"population\[0\].count: required, but missing"),
    Case("75", _price("drift = 0.1"), r"price.kind: must be one of .* \(it is missing\)"),
    Case("76", _group("isolated = ['XBT']"), r'population\[0\].isolated: "XBT" is not defined; known: BTC, ETH'),
    Case("76", _group("pools = {XBT = 1}"), r'population\[0\].pools: "XBT" is not defined; known: BTC, ETH'),
    Case("76", _group("weights = {XBT = 1}"), r"population\[0\].weights.XBT: market is not defined; known: BTC, ETH"),
    Case("76", top('wicks = [{market = "XBT", step = 1, factor = 0.5}]'), r'wicks\[0\].market: "XBT" is not defined; known: BTC, ETH'),
    Case("76", changed('"holder"', '"hedged_pair"') + 'long_market = "XBT"', r'population\[0\].long_market: market "XBT" is not defined'),
    Case("76", _price('kind = "scripted"\nshocks = [{step = 1, size = -0.1, market = "XBT"}]'), r'price.shocks\[0\].market: "XBT" is not defined'),
    Case("76", _price('kind = "bridge"\nwaypoints = {XBT = [[1, 5.0]]}'), r'price.waypoints: "XBT" is not defined'),
    Case("69", top('wicks = [{market = "BTC", step = 99, factor = 0.5}]'), r"wicks\[0\].step: 99 is after the last step 4"),
    Case("77", changed('name = "ETH"', 'name = "BTC"'), r"markets\[1\].name: 'BTC' already used at markets\[0\]"),
    Case("78", changed('name = "ETH"', 'name = "btc"'), r"markets\[1\].name: 'btc' differs only by case from 'BTC'"),
    Case("77", PLAIN + PLAIN[PLAIN.index("[[pop") :], r"population\[1\].name: 'holder' already used at population\[0\]"),
    *[
        Case(row, changed('name = "ETH"', f"name = {name}"), r"markets\[1\].name: only letters, digits")
        for row, name in (
            ("79", "'../../etc/passwd'"),
            ("79", "'a/b'"),
            ("79", r"'C:\x'"),
            ("80", "'..'"),
            ("80", "'.'"),
            ("80", "'x '"),
            ("81", "\"=cmd|' /C calc'!A0\""),
            ("81", "'+1'"),
            ("81", "'-1'"),
            ("81", "'@x'"),
            ("81", r'"\tx"'),
            ("82", "'<script>alert(1)</script>'"),
            ("83", r'"a\u202Eb"'),
            ("83", r'"a\u200Bb"'),
            ("83", "'ВТС'"),
            ("84", f"'{'x' * 500_000}'"),
            ("80", "''"),
        )
    ],
    *[
        Case("80", changed('name = "ETH"', f"name = '{name}'"), r"markets\[1\].name: reserved by some file systems")
        for name in ("CON", "nul", "com1.x", "trailing.")
    ],
    Case("82", top('name = "<script>"'), r"name: only letters, digits"),
    Case("84", top(f"about = '{'x' * 5000}'"), r"about: must have at most 2000 characters \(got 5,000 characters\)"),
    Case("83", top(r'"\u202E" = 1'), r"case.toml: \"\\u202e\": unknown field"),
    Case("85", top('margin = {kind = "Isolated "}'), r"margin.kind: must be one of .*did you mean 'isolated'"),
    Case("86", top('margin = {kind = "isolated", offset_cap = 0.5}'), r"margin.offset_cap: unknown field of this kind; it belongs to kind portfolio"),
    Case("86", top('liquidation = {kind = "full", target_health = 2.0}'), r"liquidation.target_health: unknown field of this kind; it belongs to kind to_target"),
    Case("89", top('include = "/etc/passwd"'), r"include: unknown field"),
    Case("89", top('extends = "http://example.org/x.toml"'), r"extends: unknown field"),
    Case("90", top('output = "/etc/cron.d/x"'), r"output: unknown field"),
    *[
        Case("92", _price(f"kind = {kind}"), r"price.kind: must be one of bridge, dcc, flat, garch, gbm")
        for kind in ("'os.system'", "'lambda t: 1'", "'{{7*7}}'", "'${jndi:ldap://x}'", "\"__import__('os')\"", "'$HOME'", "3", "['gbm']")
    ],
    Case("92", changed('kind = "holder"', 'kind = "os.system"'), r"population\[0\].kind: must be one of (\w+, )*holder, "),
    Case("92", changed('kind = "holder"', 'kind = "agents.holder.Holder"'), r"population\[0\].kind: must be one of (\w+, )*holder, "),
    Case("92", top('agent_class = "os.system"'), r"agent_class: unknown field"),
    Case("92", _group('decide = "import os"'), r"population\[0\].decide: unknown field of trader 'holder'"),
]
SCENARIOS = [*SYNTAX, *TYPES, *RANGES, *NAMES]

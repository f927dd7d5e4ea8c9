"""The story of one account: whom it is told of, that its amounts are those of the tables, and what it refuses."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from experiments.causes.attribution import CAUSES
from experiments.causes.causal_tree import MOST_CULPRITS, causal_tree, cause_branches, culprit_branches
from experiments.causes.explain import explain
from experiments.causes.folder import rerun_table, save_explanation
from experiments.causes.source import source_of
from experiments.causes.story import exact, largest_of, plain
from experiments.cli import execute
from experiments.compare import compare
from experiments.run import run
from experiments.run_folder import save_run
from experiments.store import verify
from simulation.errors import InputError
from tests.experiments.storms import branching, by_hand, holder_of, one_market


@pytest.fixture(scope="module")
def told():
    return explain(by_hand(), "B[0]")


@pytest.fixture(scope="module")
def many():
    return explain(branching(3))


def test_the_worst_liquidated_account_is_told_of_if_none_is_named(many) -> None:
    closed = set(run(branching(3)).events["account"])
    table = many.split.accounts
    assert many.name in closed
    assert many.account["loss"] == table[table["account"].isin(closed)]["loss"].max()


def test_the_largest_loser_is_told_of_where_nobody_was_liquidated() -> None:
    told = explain(one_market([holder_of(2.0, 50.0, "A"), holder_of(4.0, 50.0, "B")]))
    assert told.name == "B[0]"
    assert not told.died
    assert "Nothing of it was closed by force." in str(told)
    assert "No earlier liquidation moved the price" in str(told)


def test_tables_of_an_explanation_add_up(told) -> None:
    assert told.lines["dollars"].sum() == told.account["loss"]
    assert sum(told.account[cause] for cause in CAUSES) == told.account["loss"]
    assert told.culprits["dollars"].sum() == told.account["forced"]
    assert sum(told.answers.shares.values()) == told.answers.difference


def test_the_story_says_who_when_what_and_why(told) -> None:
    text = str(told)
    assert "WHAT BECAME OF B[0]" in text
    assert f"lost {exact(told.account['loss'])}" in text
    assert "under margin at step 1 (0 h 01 min after the start), round 2" in text
    assert "sold 2 X" in text
    assert "by the closing of A[0], step 1, round 1" in text
    assert "without price impact: survived, lost $7.00" in text
    assert "without A[0] in the market: survived, lost $7.00" in text


def test_amounts_of_the_story_add_up_to_the_cent(many) -> None:
    owed = re.findall(r"^- (-?\$[\d,.]+) by ", str(many), re.MULTILINE)
    amounts = [float(text.replace("$", "").replace(",", "")) for text in owed]
    assert sum(amounts) == pytest.approx(many.account["forced"], abs=0.005 * len(amounts))


def test_the_trigger_is_told_without_the_forced_sales_before_it(told) -> None:
    first = told.seizures.iloc[0]
    room = first["unforced_equity"] - first["unforced_maintenance"]
    assert room > 0.0
    assert f"it would have stood {exact(room)} above its requirement" in str(told)
    alone = explain(by_hand(), "A[0]")
    assert "Even without any forced sale before it" in str(alone)


SWINGS = {"kind": "replay", "prices": [[100.0], [103.0]] * 10}


def test_a_requirement_that_rose_is_told_as_a_trigger_and_costs_nothing() -> None:
    learning = {"kind": "value_at_risk", "update": {"kind": "ewma"}}
    lone = {"kind": "book", "name": "L", "count": 1, "units": {"X": 1.0}, "deposit": 4.0}
    scenario = one_market([lone], price=SWINGS, margin=learning, steps=19, impact={"kind": "none"})
    told = explain(scenario, causes=("margin",))
    first = told.seizures.iloc[0]
    # as at the opening: 99 % VaR of 80 % a year over one step, of the dollars held
    step_deviation = 0.8 * (60.0 / 31_536_000.0) ** 0.5
    before = 2.326348 * step_deviation * first["mark_before"]
    assert told.needed_at_opening == pytest.approx(before, rel=1e-5)
    assert before < first["equity"] < first["maintenance"]
    assert "that alone put it under margin" in str(told)
    assert "with requirements that stay as they were at the opening: survived" in str(told)
    assert told.answers.shares["margin"] == told.answers.difference
    assert sum(told.account[cause] for cause in CAUSES) == told.account["loss"]


def test_rules_that_never_change_are_no_trigger(told) -> None:
    assert told.needed_at_opening is None
    assert "as it stood at the opening" not in str(told)


def test_of_a_comparison_the_worst_run_is_explained(tmp_path) -> None:
    result = compare(by_hand(), seeds=2, workers=1, out=tmp_path / "c", progress=False)
    scenario, digest = source_of(tmp_path / "c")
    worst = result.gallery.worst
    assert scenario.seed == worst.seed
    assert digest == worst.run.digest
    assert run(scenario).fingerprint == worst.run.fingerprint


def test_a_story_is_markdown_without_html(many) -> None:
    assert many.markdown.startswith("# What became of t")
    assert not re.search(r"<\w", many.markdown)
    assert plain("# A\n\n**b** c\n") == "A\n\nb c"


def test_a_short_is_bought_back() -> None:
    rise = {"kind": "scripted", "shocks": [{"step": 1, "size": 0.2}]}
    short = {"kind": "book", "name": "S", "count": 1, "units": {"X": -2.0}, "deposit": 30.0}
    assert "bought back 2 X" in str(explain(one_market([short], price=rise)))


def test_a_gain_is_called_a_gain() -> None:
    rise = {"kind": "scripted", "shocks": [{"step": 1, "size": 0.2}]}
    assert re.search(r"A\[0\], a book under cross margin .* gained \$", str(explain(by_hand(price=rise), "A[0]")))


def test_a_run_is_repeated_from_its_folder(tmp_path, told) -> None:
    save_run(run(by_hand()), tmp_path / "r")
    again = explain(str(tmp_path / "r"), "B[0]")
    assert str(again) == str(told)
    assert source_of(run(by_hand()))[0] == by_hand()


def test_another_storm_in_the_folder_is_refused(tmp_path) -> None:
    save_run(run(by_hand(price={"kind": "gbm"})), tmp_path / "r")
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    (tmp_path / "r" / "manifest.json").write_text(json.dumps({**manifest, "digest": "0" * 64}))
    with pytest.raises(InputError, match="its storm cannot be repeated"):
        explain(str(tmp_path / "r"))


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        ("B[1]", r'no "B\[1\]"; B has the members B\[0\] to B\[0\]'),
        ("nobody", r'no "nobody"; groups: A, B, C'),
        ("insuranc", r'no "insuranc"'),
    ],
)
def test_an_unknown_account_is_refused_with_a_hint(account, problem) -> None:
    with pytest.raises(InputError, match=problem):
        explain(by_hand(), account)


def test_the_tree_keeps_every_dollar(many) -> None:
    assert sum(branch.dollars for branch in cause_branches(many)) == many.account["loss"]
    culprits = culprit_branches(many)
    assert sum(branch.dollars for branch in culprits) == pytest.approx(many.account["forced"])
    assert len(culprits) == MOST_CULPRITS + 1
    assert "others" in culprits[-1].label


def test_the_tree_is_drawn_the_same_twice(many, told) -> None:
    for facts in (many, told, explain(by_hand(), "A[0]")):
        picture = causal_tree(facts)
        assert picture.png == causal_tree(facts).png
        assert picture.png.startswith(b"\x89PNG")


def test_an_account_that_lost_nothing_has_a_tree_of_one_box() -> None:
    calm = by_hand(price={"kind": "scripted", "shocks": []})
    told = explain(calm, "A[0]")
    assert cause_branches(told) == []
    assert causal_tree(told).png
    assert "No money moved." in str(told)


def test_a_folder_holds_story_picture_and_tables(tmp_path, told) -> None:
    folder = save_explanation(told, tmp_path / "why")
    assert verify(folder) == []
    assert (folder / "story.md").read_text() == told.markdown
    table = pd.read_parquet(folder / "reruns.parquet")
    assert table["loss"].tolist() == rerun_table(told)["loss"].tolist()
    assert set(table["without"]) == {"", "A[0]"}


def test_the_command_prints_the_story_and_writes_the_folder(tmp_path, capsys) -> None:
    save_run(run(by_hand()), tmp_path / "r")
    assert execute(["explain", str(tmp_path / "r"), "B[0]", "--out", str(tmp_path / "why")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("WHAT BECAME OF B[0]")
    assert shown.endswith(f"results in {tmp_path / 'why'}\n")
    assert execute(["explain", str(tmp_path / "r"), "B[0]", "--markdown", "--cause", "impact"]) == 0
    assert capsys.readouterr().out.startswith("# What became of B[0]")
    assert execute(["explain", str(tmp_path / "r"), "B[7]"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_exact_dollars_have_cents_and_no_minus_zero() -> None:
    assert [exact(value) for value in (1234.5, -0.4, -0.001, 0.0)] == ["$1,234.50", "-$0.40", "$0.00", "$0.00"]


def test_the_largest_rows_are_those_with_the_largest_amounts() -> None:
    table = pd.DataFrame({"a": [1.0, -5.0, 3.0, np.nextafter(3.0, 4.0)]})
    assert largest_of(table, "a", 2).index.tolist() == [1, 3]

"""Plug-ins: a stranger's traders and rules come in by name, and one that is refused leaves nothing behind."""

import sys

import pytest

from agents.cast import trader_types
from experiments import plugins
from experiments.cli import execute
from experiments.plugins import load_plugins, loaded
from experiments.run import run
from simulation.errors import InputError
from simulation.impact.base import ImpactRule
from tests.experiments.storms import one_market

TRADER = '''
import numpy as np
from agents.noise import NoiseTrader


class Lazy(NoiseTrader):
    """Never trades."""

    kind = "{kind}"

    def decide(self, members, view):
        """Return no orders."""
        return np.zeros_like(members.position)
'''


@pytest.fixture(autouse=True)
def nothing_stays():
    """Take every trader, rule and module of a test away after it, so that no other test meets them."""
    kinds, modules, known = plugins._kinds(), set(sys.modules), dict(plugins._loaded)
    yield
    plugins._forget_new_kinds(kinds)
    for name in set(sys.modules) - modules:
        if name.startswith(("crossmargin_plugin_", "mine_")):
            del sys.modules[name]
    plugins._loaded.clear()
    plugins._loaded.update(known)


@pytest.fixture
def write(tmp_path):
    def written(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return written


def refusal(name):
    with pytest.raises(InputError) as refused:
        load_plugins([name])
    (line,) = refused.value.problems
    return line


def test_a_trader_of_a_file_can_be_named_in_a_scenario(write):
    path = write(TRADER.format(kind="lazy"))
    load_plugins([path])
    assert "lazy" in trader_types()
    assert loaded() == (path,)
    result = run(one_market([{"kind": "lazy", "count": 3}], price={"kind": "flat"}))
    assert (result.accounts.loc[result.accounts["kind"] == "lazy", "position_X"] == 0.0).all()


def test_a_module_on_the_path_is_named_without_its_ending(write, tmp_path, monkeypatch):
    write(TRADER.format(kind="idle"), "mine_module.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_plugins(["mine_module"])
    assert "idle" in trader_types()
    assert loaded() == ("mine_module",)


def test_loading_twice_is_loading_once(write):
    path = write(
        TRADER.format(kind="lazy")
        + "\nimport builtins\nbuiltins.times_loaded = getattr(builtins, 'times_loaded', 0) + 1\n"
    )
    import builtins

    load_plugins([path, path])
    load_plugins([path])
    assert builtins.__dict__.pop("times_loaded") == 1


def test_a_kind_that_exists_is_refused_and_the_old_one_stays(write):
    before = trader_types()["noise"]
    line = refusal(write(TRADER.format(kind="noise")))
    assert line.endswith("Lazy: kind 'noise' of Trader is taken; choose another")
    assert trader_types()["noise"] is before
    assert loaded() == ()


def test_a_rule_whose_kind_exists_is_refused(write):
    head = "from simulation.impact.none import NoImpact"
    text = f"{head}\n\n\nclass Mine(NoImpact):\n    'Mine.'\n\n    kind = 'linear'\n"
    before = ImpactRule.kinds()["linear"]
    assert "kind 'linear' of ImpactRule is taken" in refusal(write(text))
    assert ImpactRule.kinds()["linear"] is before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "defines neither a trader nor a rule with a `kind`"),
        ("x = = 1\n", "line 1: invalid syntax"),
        ("\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("import no_such_module_at_all\n", "line 1: ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("raise ValueError('first\\nsecond')\n", "line 1: ValueError: first"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_with_its_place(write, text, told):
    path = write(text)
    line = refusal(path)
    assert line.startswith("--plugin ")
    assert line.endswith(told)
    assert "\n" not in line


def test_a_file_or_module_that_is_not_there_is_refused(tmp_path):
    assert refusal(str(tmp_path / "none.py")).endswith("file not found")
    assert refusal("no_such_module_at_all").endswith("no such module")
    assert refusal("not a name").endswith("must be the name of a module or a file that ends in .py")
    assert refusal("os; import sys").endswith("must be the name of a module or a file that ends in .py")


def test_a_forgotten_ending_is_hinted_at(write, tmp_path, monkeypatch):
    write(TRADER.format(kind="lazy"), "mine_forgotten.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert refusal("mine_forgotten").endswith(
        "no such module; hint: a file is named with its ending, mine_forgotten.py"
    )


def test_a_refused_file_can_be_corrected_and_loaded_again(write):
    path = write("x = 1\n")
    refusal(path)
    write(TRADER.format(kind="lazy"))
    load_plugins([path])
    assert "lazy" in trader_types()


def test_traders_of_a_refused_file_cannot_be_named(write):
    refusal(write(TRADER.format(kind="lazy") + "\n\n1 / 0\n"))
    assert "lazy" not in trader_types()


def test_two_files_of_one_name_are_refused(write, tmp_path):
    load_plugins([write(TRADER.format(kind="lazy"))])
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "mine.py"
    other.write_text(TRADER.format(kind="idle"))
    assert refusal(str(other)).endswith("another plug-in of that name is loaded; rename one")
    assert "lazy" in trader_types()


def test_an_interrupt_inside_of_a_plug_in_is_no_refusal(write):
    with pytest.raises(KeyboardInterrupt):
        load_plugins([write("raise KeyboardInterrupt\n")])
    assert loaded() == ()


SCENARIO_OF_ONES_OWN = """
name = "own"
steps = 3
[[markets]]
name = "X"
price = 100
[price]
kind = "flat"
[[population]]
kind = "{kind}"
count = 2
"""


def test_every_command_that_reads_a_scenario_takes_a_plug_in(write, capsys):
    """The kind is known to the plug-in alone, so that a command that ignores the option refuses the scenario."""
    scenario = write(SCENARIO_OF_ONES_OWN.format(kind="lazy_of_commands"), "own.toml")
    for command in ("check", "run", "explain", "contagion", "warn", "loops", "impulse"):
        assert execute([command, scenario]) == 2
        assert "population[0].kind: must be one of" in capsys.readouterr().err
    plugin = write(TRADER.format(kind="lazy_of_commands"))
    few = {"loops": ["--seeds", "1", "--loop", "impact"], "impulse": ["--seeds", "1"]}
    for command in ("check", "run", "explain", "contagion", "warn", "loops", "impulse"):
        assert execute([command, scenario, "--plugin", plugin, *few.get(command, [])]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "contagion", "warn", "loops", "impulse"])
def test_a_plug_in_that_is_not_there_is_refused_by_every_command(command, capsys):
    assert execute([command, "classroom", "--plugin", "missing.py"]) == 2
    assert capsys.readouterr().err == "--plugin missing.py: file not found\n"

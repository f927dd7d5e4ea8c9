"""Every command that writes has the same two options, and does with them what they say."""

import click
import pytest

from experiments.cli import cli, execute
from experiments.destination import Destination, destination
from simulation.errors import StoreError

WRITING = [name for name, command in cli.commands.items() if any(one.name == "out" for one in command.params)]


def test_what_was_found_is_written_where_it_was_asked_for_and_said(capsys):
    written: list[tuple] = []
    Destination("there", True, ["crossmargin", "ask"]).keep(lambda *given: written.append(given), "numbers", 3)
    assert written == [("numbers", 3, "there", True, ["crossmargin", "ask"])]
    assert capsys.readouterr().out == "results in there\n"


def test_without_a_folder_nothing_is_written_checked_or_said(capsys):
    nowhere = Destination(None, False, [])
    nowhere.check()
    nowhere.keep(lambda *given: pytest.fail(f"wrote {given}"), "numbers")
    assert capsys.readouterr().out == ""


def test_a_folder_that_holds_files_is_refused_before_anything_is_run(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="already holds files"):
        Destination(str(tmp_path), False, []).check()
    with pytest.raises(StoreError, match=r"not overwritten: .*mine\.txt"):
        Destination(str(tmp_path), True, []).check()


def test_a_command_gets_both_options_as_one_beside_its_own():
    seen: list[tuple] = []

    @click.command()
    @click.argument("name")
    @destination("text")
    @click.option("--often", type=int)
    def tell(name: str, out: Destination, often: int | None) -> None:
        seen.append((name, often, out))

    for words in (["a"], ["b", "--out", "d", "--overwrite", "--often", "2"]):
        tell.main(words, standalone_mode=False, obj=["tell", *words])
    assert seen == [
        ("a", None, Destination(None, False, ["crossmargin", "tell", "a"])),
        ("b", 2, Destination("d", True, ["crossmargin", "tell", "b", "--out", "d", "--overwrite", "--often", "2"])),
    ]


@pytest.mark.parametrize("name", WRITING)
def test_every_command_that_writes_says_so_in_the_same_words(name, capsys):
    assert execute([name, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--out DIR Write " in text and "; it must not hold files yet." in text
    assert "--overwrite Replace an earlier results folder." in text


def test_these_commands_write():
    assert WRITING == ["compare", "run", "theory", "explain", "contagion", "impulse", "warn", "loops", "ask"]

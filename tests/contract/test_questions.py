"""What every question promises, whichever it is: new ones are discovered."""

import ast
import inspect
import re

import pandas as pd
import pytest

from experiments.ask.question import Question, questions
from experiments.drawing import Picture
from tests.style.source import ROOT
from tests.theory.tiers import thorough

ALL = list(questions().values())
NAMED = pytest.mark.parametrize("question", ALL, ids=[question.name for question in ALL])


def test_they_are_found_by_their_text_alone():
    assert {"depeg", "liquidation_queue", "margin_calls", "pyramiding", "shock_kinds", "wrong_way"} <= set(questions())
    assert list(questions()) == sorted(questions())


def test_no_file_that_could_answer_is_left_out():
    """Whoever defines `run` and `plot` answers a question, and its docstring says which."""
    for path in sorted((ROOT / "experiments").glob("*.py")):
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert ({"run", "plot"} <= names) == (path.stem in questions()), path


@NAMED
def test_its_text_has_question_method_expectation_and_source(question: Question):
    assert re.match(r"\S.*[.?]$", question.title)
    parts = [question.about.index(part) for part in ("Question:", "Method:", "Expected")]
    assert parts == sorted(parts)
    assert re.search(r"[Ss]ources?\b", question.about)


@NAMED
def test_it_can_be_asked_without_a_parameter(question: Question):
    for ask, answer in ((question.module.run, pd.DataFrame), (question.module.plot, Picture)):
        signature = inspect.signature(ask)
        assert signature.return_annotation is answer
        for given in signature.parameters.values():
            assert given.default is not given.empty or given.kind is given.VAR_KEYWORD


@NAMED
def test_how_it_is_asked_in_python_is_a_call_with_every_parameter(question: Question):
    call = ast.parse(question.signature.replace("**", "_=")).body[0].value
    assert [word.arg for word in call.keywords][: len(inspect.signature(question.module.run).parameters)]
    assert ast.unparse(call.func) == f"experiments.{question.name}.run"


@thorough
@NAMED
def test_it_answers_at_its_own_parameters(question: Question):
    table, picture = question.run(), question.plot()
    assert len(table) and not table.isna().all().any()
    assert picture.png.startswith(b"\x89PNG") and picture.caption

"""What `from experiments import ...` gives: functions, whatever was imported before, and nothing heavy too early."""

import inspect
import json
import subprocess
import sys

import pytest

import experiments
from experiments.exports import HOMES

PROGRAM = """
import json, sys
{first}
import experiments
heavy = sorted({{"numpy", "pandas", "mesa", "matplotlib"}} & set(sys.modules))
from experiments import run, compare
print(json.dumps([heavy, [(type(f).__name__, f.__module__) for f in (run, compare)]]))
"""


def told(first):
    program = PROGRAM.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", HOMES)
def test_every_name_is_a_documented_function(name):
    function = getattr(experiments, name)
    assert inspect.isfunction(function)
    assert function.__doc__
    assert name in experiments.__all__


@pytest.mark.parametrize("first", ["", "import experiments.compare, experiments.run"])
def test_names_shared_with_a_module_are_functions_whatever_came_before_and_nothing_heavy_is_imported(first):
    heavy, found = told(first)
    assert found == [["function", "experiments.run"], ["function", "experiments.compare"]]
    assert heavy == [] or first


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(AttributeError):
        getattr(experiments, "no_such_name")  # noqa: B009

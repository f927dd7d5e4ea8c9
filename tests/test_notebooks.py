"""The notebooks are executed: each committed story runs from first cell to last and matches its source."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.style.source import ROOT

for extra in ("jupytext", "nbclient", "nbformat", "ipykernel"):
    pytest.importorskip(extra, reason=f"{extra} is missing; pip install 'crossmargin[notebooks]'")

import nbformat  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

FOLDER = ROOT / "notebooks"
COMMITTED = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
LARGEST_BYTES = 3 * 2**20


def load_execute() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_execute", FOLDER / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXECUTE = load_execute()


def cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


@pytest.fixture(autouse=True)
def _our_packages_in_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_story_runs_from_first_to_last_cell(path: Path) -> None:
    EXECUTE.execute(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("source", EXECUTE.stories(), ids=lambda path: path.stem)
def test_a_story_is_committed_as_its_source_says(source: Path) -> None:
    committed = source.with_suffix(".ipynb")
    assert committed.is_file(), f"{committed.name} is missing: run make notebooks"
    written = cells(nbformat.read(committed, as_version=4))
    assert written == cells(EXECUTE.notebook_of(source)), "run make notebooks"


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_story_was_executed_and_is_small(path: Path) -> None:
    filled = [cell for cell in nbformat.read(path, as_version=4).cells if cell.source]
    assert all(cell.execution_count for cell in filled if cell.cell_type == "code"), "run make notebooks"
    assert path.stat().st_size <= LARGEST_BYTES


def test_executing_twice_gives_the_same_notebook_and_an_error_stops_it(tmp_path: Path) -> None:
    source = tmp_path / "01_story.py"
    source.write_text("# %% [markdown]\n# A story.\n\n# %%\nprint(1 + 1)\n")
    first, second = (EXECUTE.execute(EXECUTE.notebook_of(source)) for _ in range(2))
    assert nbformat.writes(first) == nbformat.writes(second)
    assert first.cells[1].outputs[0].text == "2\n"
    source.write_text("# %%\nraise ValueError('no')\n")
    with pytest.raises(CellExecutionError, match="executing the following cell"):
        EXECUTE.execute(EXECUTE.notebook_of(source))

"""Write each story `NN_name.ipynb` from its source `NN_name.py` (jupytext percent format) and execute it.

Usage: python notebooks/execute.py [NN_name ...]

The result depends on the source only: cells are numbered, and no timings or machine names are kept, so
executing an unchanged story changes nothing but, at most, bytes of its pictures.
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
PATIENCE_SECONDS = 600
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def stories() -> list[Path]:
    """Sources of all stories, in order of their number."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.py"))


def notebook_of(source: Path) -> NotebookNode:
    """The notebook that `source` describes, without outputs."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells in the notebooks folder; the first error stops with its traceback."""
    client = NotebookClient(
        notebook,
        timeout=PATIENCE_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return notebook


def main(names: list[str]) -> None:
    """Execute the named stories, or all."""
    for source in stories():
        if not names or source.stem in names:
            print(f"executing {source.name}", flush=True)
            notebook = execute(notebook_of(source))
            nbformat.validate(notebook)
            nbformat.write(notebook, source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])

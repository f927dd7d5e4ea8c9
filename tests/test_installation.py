"""What is installed is ours, complete, and starts quickly."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

import agents
import experiments
import simulation
from tests.style.source import PACKAGES, ROOT, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SLOW_TO_IMPORT = {"mesa", "pandas", "matplotlib", "scipy", "pyarrow", "networkx"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("package", [simulation, agents, experiments], ids=lambda package: package.__name__)
def test_the_packages_are_ours_and_not_a_namesake(package: object) -> None:
    file = getattr(package, "__file__", None)
    assert file is not None, "no __init__.py"
    assert Path(file).resolve().parent.parent == ROOT, f"{file} is a namesake: use an environment of our own"
    assert Path(file).with_name("py.typed").is_file()


def test_the_installed_version_is_the_one_in_the_sources() -> None:
    try:
        assert metadata.version("crossmargin") == PROJECT["version"]
    except metadata.PackageNotFoundError:
        pytest.skip("crossmargin runs from its sources and is not installed")


def test_the_changelog_has_an_entry_for_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[{re.escape(PROJECT['version'])}\]", text, re.MULTILINE)
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_project_cannot_be_uploaded_by_accident() -> None:
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_every_dependency_is_pinned_with_hashes(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    pins = re.findall(r"^([a-z0-9.-]+)==\S+.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    wanted = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values() if lock == "dev.txt" else []:
        wanted += extra
    assert not {re.split(r"[\[><=,]", name)[0] for name in wanted} - set(pins)


def test_help_starts_without_loading_the_heavy_libraries() -> None:
    result = run("-X", "importtime", "-m", "experiments.cli", "--help")
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}
    assert "click" in loaded
    assert not loaded & SLOW_TO_IMPORT
    assert "Usage" in result.stdout


def test_the_command_points_at_a_function_that_exists() -> None:
    module, function = PROJECT["scripts"]["crossmargin"].split(":")
    result = run("-c", f"import {module}; assert callable({module}.{function})")
    assert result.returncode == 0, result.stderr


def test_a_wheel_holds_every_module_and_preset_and_nothing_else(tmp_path: Path) -> None:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is missing; pip install 'crossmargin[build]'")
    result = run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("crossmargin-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    presets = [path.relative_to(ROOT).as_posix() for path in (ROOT / "experiments").rglob("*.toml")]
    assert not {source.path for source in sources(*PACKAGES)} - set(names)
    assert not {*presets, *(f"{package}/py.typed" for package in PACKAGES)} - set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {*PACKAGES, "crossmargin"}

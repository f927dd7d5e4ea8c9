"""Results folders: complete or absent, never half written, and never over somebody's files.

Files are written into a hidden folder beside the target, flushed to disk and renamed into place at the end.
A `manifest.json` says what was run with which versions and lists every file with its SHA-256.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.errors import StoreError, shown

MANIFEST = "manifest.json"
SCHEMA = "crossmargin results 1"
PACKAGES = ("crossmargin", "mesa", "numpy", "scipy", "pandas", "pyarrow", "pydantic", "networkx")
_DISK = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file grew past the size limit",
    errno.EIO: "the disk reports an error",
    errno.EROFS: "the file system is read-only",
}


@dataclass(frozen=True)
class Provenance:
    """What a results folder came from; `scenario` is plain data, `extra` more lines for the manifest."""

    scenario: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = ()
    command: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def results_folder(path: str | Path, provenance: Provenance | None = None, overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden folder to write into; on leaving, add the manifest and rename it to `path`.

    An error or Ctrl-C inside leaves nothing behind. With `overwrite` an earlier results folder (one with our
    manifest) is replaced as a whole; any other folder that is not empty is refused. Raises `StoreError`.
    """
    target = check_target(path, overwrite)
    with _parents(target), _refusing(target, _DISK), _hidden_sibling(target) as hidden:
        yield hidden
        write_manifest(hidden, provenance or Provenance())
        with _refusing(target):
            _flush_tree(hidden)
            _put_in_place(hidden, target, overwrite)


def check_target(path: str | Path, overwrite: bool = False) -> Path:
    """Return `path` resolved if results may be put there, else raise `StoreError`; writes nothing."""
    target = Path(path).expanduser().resolve()
    nearest = next(folder for folder in (target, *target.parents) if folder.exists())
    if not nearest.is_dir():
        raise StoreError(f"{path}: must be a folder or not exist (got the file {nearest})")
    if target.is_dir() and any(target.iterdir()):
        if not overwrite:
            raise StoreError(f"{path}: already holds files; choose another folder, or overwrite it")
        if foreign := _foreign(target):
            raise StoreError(f"{path}: not overwritten: {shown(foreign)} in it was not written by CrossMargin")
    if not os.access(nearest if nearest != target else target.parent, os.W_OK | os.X_OK):
        raise StoreError(f"{path}: cannot be written; no permission to create it in {nearest}")
    return target


def scenario_hash(scenario: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `scenario`, plain data, as canonical JSON (sorted keys, exact floats)."""
    return hashlib.sha256(canonical_json(scenario).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """Return the one JSON text of plain data; numpy scalars and arrays count as the numbers they hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to the new file `path`; a file that exists is refused."""
    with path.open("xb") as file:
        file.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write plain data as readable JSON with sorted keys; NaN and infinity become null."""
    text = json.dumps(_finite(value), sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False, default=_plain)
    write_bytes(path, f"{text}\n".encode())


def write_manifest(folder: Path, provenance: Provenance) -> None:
    """Write `manifest.json`: versions, scenario hash, seeds, command, each file with its size and SHA-256."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(
        folder / MANIFEST,
        {
            **provenance.extra,
            "schema": SCHEMA,
            "versions": versions(),
            "scenario_sha256": scenario_hash(provenance.scenario),
            "seeds": [int(seed) for seed in provenance.seeds],
            "command": list(provenance.command),
            "files": files,
        },
    )


def verify(folder: str | Path) -> list[str]:
    """Compare a results folder with its manifest; return one line for each file that differs, [] if none."""
    root = Path(folder)
    if (listed := _listed(root)) is None:
        return [f"{MANIFEST}: missing or not ours"]
    present = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} - {MANIFEST}
    problems = [f"{name}: missing" for name in sorted(listed.keys() - present)]
    problems += [f"{name}: not in the manifest" for name in sorted(present - listed.keys())]
    for name in sorted(listed.keys() & present):
        if (found := file_hash(root / name)) != listed[name]["sha256"]:
            problems.append(f"{name}: changed (expected sha256 {listed[name]['sha256'][:12]}, found {found[:12]})")
    return problems


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _put_in_place(hidden: Path, target: Path, overwrite: bool) -> None:
    check_target(target, overwrite)  # again: the runs took their time, and somebody may have been here
    with _set_aside(target):
        hidden.rename(target)
        try:
            _flush(target.parent)
        except BaseException:
            target.rename(hidden)
            raise


@contextmanager
def _set_aside(target: Path) -> Iterator[None]:
    """Move earlier results out of the way; bring them back on an error, else delete them."""
    if not target.is_dir():
        yield
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
    target.rename(old)
    try:
        yield
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _hidden_sibling(target: Path) -> Iterator[Path]:
    with _refusing(target):
        outer = tempfile.TemporaryDirectory(
            prefix=f".{target.name}.partial-", dir=target.parent, ignore_cleanup_errors=True
        )
    with outer:
        hidden = Path(outer.name, "new")  # the outer folder is private; this one has the usual permissions
        hidden.mkdir()
        yield hidden


@contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Create the missing parents of `target`; take them away again if nothing comes to stand in them."""
    missing = [folder for folder in target.parents if not folder.exists()]  # deepest first
    try:
        with _refusing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in missing:
            with suppress(OSError):  # not empty, as it should be
                folder.rmdir()


@contextmanager
def _refusing(target: Path, only: Mapping[int, str] | None = None) -> Iterator[None]:
    """Turn what the system refuses (with `only`: errors of these numbers) into a `StoreError`."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        why = _DISK.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"{target}: cannot be written: {why}; nothing was left behind") from error


def _foreign(folder: Path) -> str:
    """Return the name of something in `folder` that its manifest does not list, or ""."""
    listed = _listed(folder)
    known = set() if listed is None else {*listed, MANIFEST}
    present = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return next((name for name in present if name not in known), "" if present else ".")


def _listed(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Return the files the manifest of `folder` lists; None if there is no manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        return dict(manifest["files"]) if manifest["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _flush_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not plain data: {type(value).__name__}")


def _finite(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and value - value != 0:
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value

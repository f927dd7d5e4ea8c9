"""The scenario that `crossmargin new` writes: short, commented, and valid as it stands."""

from pathlib import Path

from simulation.errors import StoreError, shown

TEMPLATE = Path(__file__).with_name("template.toml")


def write_template(path: str | Path) -> Path:
    """Write a commented scenario to `path`, whose name ends in .toml; a file that exists is refused."""
    target = Path(path)
    label = shown(str(path), 200)[1:-1]
    if target.suffix.lower() != ".toml" or target.name == ".toml":
        raise StoreError(f"{label}: must end in .toml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.read_text("utf-8"))
    except FileExistsError:
        raise StoreError(f"{label}: exists already; choose another name") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{label}: cannot be written: {getattr(error, 'strerror', None) or error}") from None
    return target

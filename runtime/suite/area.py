"""The tests of an area, and of those that stand on it: that import its events or commands."""

from __future__ import annotations

from pathlib import Path

from runtime.suite.changed import imports_of, python_files


class NoSuchArea(ValueError):
    def __init__(self, name: str, known: set[str]) -> None:
        super().__init__(f"There is no area {name}: there are {', '.join(sorted(known))}")


def area_tests(root: Path, name: str) -> list[str]:
    """Test files below `root`, in order of their path. Raises NoSuchArea."""
    areas = {path.name for path in (root / "events").iterdir() if _is_area(path)}
    if name not in areas:
        raise NoSuchArea(name, areas)
    files = list(python_files(root))
    standing = {name}
    for path in files:
        area = _area_of(path, areas)
        if area is None or path.startswith("tests/"):
            continue
        if any(_area_of(imported, areas) == name for imported in imports_of(root, path)):
            standing.add(area)
    tests = (path for path in files if path.startswith("tests/"))
    return sorted(
        path
        for path in tests
        if Path(path).name.startswith("test_") and _area_of(path, standing) is not None
    )


def _is_area(path: Path) -> bool:
    """The store and the log are machinery of all areas."""
    return (path / "__init__.py").is_file() and path.name not in ("store", "log")


def _area_of(path: str, areas: set[str]) -> str | None:
    return next((part for part in Path(path).parent.parts[1:] if part in areas), None)

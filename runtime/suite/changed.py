"""Which test files a change touches: those that import it, directly or not.

Tests that start a whole installation import next to nothing of it. The browser's are taken where
something below web/ changed; those of tests/faults only where they themselves did.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from runtime.suite.linters import CODE

# A file beside a module that the module reads: its test is whoever imports the module.
READ_BY_NAME = (".sql",)
# Levels whose tests start processes; `--changed` goes by these rules instead of by imports.
STARTS_THE_PRODUCT = {"e2e": ("web/",), "faults": ()}


def changed_files(root: Path, since: str = "HEAD") -> list[str]:
    """Paths that differ from the commit, new ones included. Raises CalledProcessError."""
    questions = (
        ["git", "diff", "--name-only", since],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    found: set[str] = set()
    for question in questions:
        done = subprocess.run(question, cwd=root, check=True, capture_output=True, text=True)
        found.update(done.stdout.splitlines())
    return sorted(found)


def touched_tests(root: Path, changed: Iterable[str]) -> list[str]:
    """Test files of the tree under `root`, in order of their path."""
    changed = list(changed)
    imports = {path: imports_of(root, path) for path in python_files(root)}
    touched = _all_that_import(imports, {path for each in changed for path in _code(root, each)})
    return [test for test in sorted(imports) if _is_test(test) and _runs(test, touched, changed)]


def _runs(test: str, touched: set[str], changed: list[str]) -> bool:
    level = test.split("/")[1]
    if level in STARTS_THE_PRODUCT:
        folders = (f"tests/{level}/conftest.py", *STARTS_THE_PRODUCT[level])
        return test in changed or any(path.startswith(folders) for path in changed)
    above = [str(folder / "conftest.py") for folder in PurePosixPath(test).parents]
    return test in touched or any(path in touched for path in above)


def _is_test(path: str) -> bool:
    return path.startswith("tests/") and PurePosixPath(path).name.startswith("test_")


def _code(root: Path, path: str) -> Iterator[str]:
    """The modules that a changed file means: itself, or those of the package that reads it."""
    if path.endswith(".py"):
        yield path
        return
    beside = (root / path).with_suffix(".py")
    if path.endswith(READ_BY_NAME) and beside.is_file():
        yield str(beside.relative_to(root).as_posix())
        return
    folder = PurePosixPath(path).parent
    while folder.name and not (root / folder / "__init__.py").is_file():
        folder = folder.parent
    if folder.name:
        for module in sorted((root / folder).glob("*.py")):
            yield str(module.relative_to(root).as_posix())


def _all_that_import(imports: dict[str, set[str]], changed: set[str]) -> set[str]:
    importers: dict[str, set[str]] = {}
    for path, imported in imports.items():
        for each in imported:
            importers.setdefault(each, set()).add(path)
    touched, waiting = set(changed), list(changed)
    while waiting:
        for path in importers.get(waiting.pop(), set()) - touched:
            touched.add(path)
            waiting.append(path)
    return touched


def python_files(root: Path) -> Iterator[str]:
    for room in CODE:
        for path in (root / room).rglob("*.py"):
            yield path.relative_to(root).as_posix()


def imports_of(root: Path, path: str) -> set[str]:
    """Files of the tree that a module imports, also inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((root / path).read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.update(_files(root, alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update(_files(root, node.module))
            for alias in node.names:
                found.update(_files(root, f"{node.module}.{alias.name}"))
    return found


def _files(root: Path, module: str) -> Iterator[str]:
    if module.partition(".")[0] not in CODE:
        return
    path = module.replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__init__.py"):
        if (root / candidate).is_file():
            yield candidate

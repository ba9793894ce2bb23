"""Rules of the house that no linter knows: what may lie where, how large, and in which words."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = {
    "aggregates",
    "commands",
    "events",
    "gateways",
    "kit",
    "processors",
    "projections",
    "read_api",
    "runtime",
    "sagas",
    "schemas",
    "web",
}
AT_THE_ROOT = ROOMS | {
    *(".ci", ".dockerignore", ".github", ".gitignore", ".python-version"),
    *("Dockerfile", "README.md", "benchmarks", "docker-compose.yml", "docs", "noculture"),
    *("pyproject.toml", "requirements", "tests", "tools"),
}
MAX_LINES, MAX_TEST_LINES = 400, 500
# Made by programs or by other projects.
FOREIGN = re.compile(r"(^|/)(vendor|golden|json|static/vendor)/|\.lock$|package-lock\.json$")
# What belongs to somebody's machine. Spelt apart, so that this file may be checked as well.
MACHINE = re.compile(
    "|".join(
        (
            "/" + r"work/(main|shared)",
            "/" + r"home/\w+/",
            "/" + r"root/",
            r"python" + r"hosted\.org",
            r"\bpypi" + r"\.org/simple",
            r"registry\.npmjs" + r"\.org",
            r"repo1?\.maven" + r"\.(apache\.)?org",
        )
    )
)
UNFINISHED = re.compile(r"#.*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
OURS = [path for path in FILES if not FOREIGN.search(str(path))]
PYTHON = [path for path in OURS if path.suffix == ".py"]


def text_of(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


def is_text(path: Path) -> bool:
    return b"\0" not in (ROOT / path).read_bytes()[:4_096]


def lines_matching(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:90]}"
        for path in paths
        if is_text(path)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_the_root_holds_the_rooms_and_project_files_only():
    assert {path.parts[0] for path in FILES} - AT_THE_ROOT == set()


def test_no_file_names_a_registry_or_somebodys_machine():
    assert lines_matching(MACHINE, [p for p in FILES if "/vendor/" not in str(p)]) == []


def test_nothing_is_left_to_be_done_in_a_comment():
    assert lines_matching(UNFINISHED, PYTHON) == []


def test_no_file_is_longer_than_one_can_hold_in_mind():
    def allowed(path: Path) -> int:
        return MAX_TEST_LINES if path.parts[0] == "tests" else MAX_LINES

    assert [str(p) for p in PYTHON if len(text_of(p).splitlines()) > allowed(p)] == []


@pytest.mark.parametrize(
    "folder", sorted({str(p.parent) for p in PYTHON if p.parts[0] in ROOMS} - {"."})
)
def test_every_folder_of_the_product_says_what_lives_there(folder: str):
    docstring = ast.get_docstring(ast.parse(text_of(Path(folder) / "__init__.py")))
    assert docstring
    assert len(docstring) > 40


def test_every_module_of_the_product_says_what_it_is_for():
    silent = [
        str(path)
        for path in PYTHON
        if path.parts[0] in ROOMS and not ast.get_docstring(ast.parse(text_of(path)))
    ]
    assert silent == []


# A docstring begins with a verb or with the thing's noun; these words begin riddles.
RIDDLES = re.compile(r"(Who|What|Of|Nobody|Not|It)\b")


def test_docstrings_begin_with_a_verb_or_a_noun():
    found = []
    for path in PYTHON:
        if path.parts[0] not in ROOMS:
            continue
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node) or ""
                if RIDDLES.match(said):
                    found.append(f"{path}: {said.splitlines()[0]}")
    assert found == []


def test_tools_import_the_standard_library_only():
    import sys

    foreign = [
        f"{path}: {name}"
        for path in PYTHON
        if path.parts[0] == "tools"
        for name in imported(path)
        if name not in sys.stdlib_module_names
    ]
    assert foreign == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_every_link_in_the_docs_leads_somewhere():
    broken = [
        f"{path}: {target}"
        for path in FILES
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)", text_of(path))
        if "://" not in target and not (ROOT / path.parent / target).exists()
    ]
    assert broken == []


def without_new_files(page: str) -> str:
    """docs/add-a-context.md names the files that its reader is going to make."""
    return re.sub(r"(?m)^### A new file: .*$", "", page)


def test_every_module_named_in_the_docs_exists():
    named = re.compile(
        r"`((?:" + "|".join(sorted(ROOMS | {"tests", "tools"})) + r")/[\w/]+\.(?:py|sql|lock))`"
    )
    missing = [
        f"{path}: {target}"
        for path in FILES
        if path.suffix == ".md"
        for target in named.findall(without_new_files(text_of(path)))
        if not (ROOT / target).exists()
    ]
    assert missing == []


def test_migrations_are_numbered_without_a_gap():
    numbers = sorted(int(p.name[:4]) for p in FILES if p.parent == Path("runtime/migrations"))
    assert numbers == list(range(1, len(numbers) + 1))

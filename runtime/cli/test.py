"""`test [LEVEL…]`: linters, then pytest, whose summary closes the output."""

from __future__ import annotations

import os
import subprocess
from typing import Annotated

import typer

from runtime.browser import get_browser
from runtime.cli.output import say
from runtime.installation import ROOT
from runtime.suite.area import NoSuchArea, area_tests
from runtime.suite.bytecode import keeping_bytecode
from runtime.suite.changed import changed_files, touched_tests
from runtime.suite.linters import run_linters
from runtime.suite.run import run_pytest, run_suite

app = typer.Typer(pretty_exceptions_enable=False)
LEVELS = ("unit", "integration", "kafka", "e2e", "faults")
LONG = "long"


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_tests(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LEVEL…]",
            help=f"One of {', '.join(LEVELS)}, or {LONG} (hours); the rest is pytest's.",
        ),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what uncommitted changes touch, by imports.")
    ] = False,
    since: Annotated[
        str, typer.Option("--since", help="With --changed: files that differ from this commit.")
    ] = "HEAD",
    area: Annotated[
        str, typer.Option("--area", help="Only this area's, and those of areas that stand on it.")
    ] = "",
) -> None:
    """Run the test suite, or the levels that are named.

    A failed test is run once more at the end, alone. If it passes then, it is named flaky, also in
    test-results/flaky.txt, and the suite passes.
    """
    with keeping_bytecode({**os.environ, "PYTHONPATH": str(ROOT)}) as environment:
        raise typer.Exit(_run(words or [], environment, changed=changed, since=since, area=area))


def _run(
    words: list[str], environment: dict[str, str], *, changed: bool, since: str, area: str
) -> int:
    """Returns an exit code."""
    if words == [LONG]:
        # Its modules are the tests' own.
        from runtime.suite.long import run_long

        return run_long(environment)
    chosen = [word for word in words if word in LEVELS] or list(LEVELS)
    for_pytest = [word for word in words if word not in LEVELS]
    tests = [f"tests/{level}" for level in chosen]
    if changed or area:
        tests = _touched(chosen, since) if changed else _of_area(chosen, area)
    if any(test.startswith("tests/e2e") for test in tests):
        browser = get_browser(os.environ.get("NOCULTURE_BROWSER", ""), say)
        environment["NOCULTURE_BROWSER"] = str(browser)
    clean = "unit" not in chosen or run_linters(environment)
    code = 0
    if for_pytest:
        code = run_pytest([*tests, *for_pytest], environment).code
    elif tests:
        code = run_suite(tests, environment)
    return code if code else int(not clean)


def _of_area(chosen: list[str], area: str) -> list[str]:
    try:
        tests = [test for test in area_tests(ROOT, area) if test.split("/")[1] in chosen]
    except NoSuchArea as error:
        raise typer.BadParameter(str(error)) from error
    say(f"{len(tests)} test files of {area} and of what stands on it")
    return tests


def _touched(chosen: list[str], since: str) -> list[str]:
    try:
        files = changed_files(ROOT, since)
    except subprocess.CalledProcessError as error:
        raise typer.BadParameter(error.stderr.strip() or "git cannot tell") from error
    tests = [test for test in touched_tests(ROOT, files) if test.split("/")[1] in chosen]
    say(f"{len(files)} changed files touch {len(tests)} test files")
    return tests

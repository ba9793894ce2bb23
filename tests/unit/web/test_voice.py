"""Texts that people read speak as docs/voice.md says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.web.test_troubles import ERRORS
from tests.voice import ROOT, Rules, Said, of_file, of_source, rules
from web.troubles import in_plain_words

MUSICIANS, OPERATORS = rules()
# Pages under System, and the command line.
OPERATORS_FILES = (
    "web/templates/system/*.html",
    "web/pages/system/*.py",
    "runtime/cli/*.py",
)
# Where errors are declared that only operators can meet.
OPERATORS_ROOMS = ("sagas/", "commands/system/", "read_api/system/", "gateways/doubles/")
# The timeline is on the page of a track too.
MUSICIANS_FILES = (
    "web/templates/*.html",
    "web/templates/account/*.html",
    "web/templates/parts/*.html",
    "web/templates/vault/*.html",
    "web/templates/system/_timeline.html",
    "web/troubles.py",
    "web/pages/*.py",
    "web/pages/account/*.py",
    "web/pages/vault/*.py",
    "web/static/js/**/*.js",
    "gateways/audio/a*.py",
    "gateways/audio/defects/*.py",
    "gateways/audio/rhythm/measure.py",
    "processors/account/mail.py",
    "processors/account/notices.py",
    "read_api/vault/queue.py",
    "read_api/vault/search/chips.py",
    "read_api/vault/search/reasons.py",
)


def broken(texts: Iterator[Said], kept: Rules) -> list[str]:
    return [
        f"{said.path}:{said.line}: {breach} (in “{said.text}”)"
        for said in texts
        for breach in kept.breaches(said.text)
    ]


def texts_of(patterns: tuple[str, ...]) -> Iterator[Said]:
    files = {path for pattern in patterns for path in ROOT.glob(pattern)}
    for path in sorted(files):
        yield from of_file(path.relative_to(ROOT).as_posix())


def texts_of_errors() -> Iterator[Said]:
    """What a page says of each error: its own sentence only where a person can read it."""
    for error in ERRORS:
        source = Path(inspect.getsourcefile(type(error)) or "").relative_to(ROOT).as_posix()
        line = inspect.getsourcelines(type(error))[1]
        yield Said(source, line, in_plain_words(error))


def test_every_kind_of_file_has_texts():
    for pattern in MUSICIANS_FILES + OPERATORS_FILES:
        assert list(texts_of((pattern,))), pattern


def test_musicians_texts_keep_the_voice():
    assert broken(texts_of(MUSICIANS_FILES), MUSICIANS) == []


def test_errors_keep_the_voice_of_those_who_read_them():
    texts = list(texts_of_errors())
    for_operators = [said for said in texts if said.path.startswith(OPERATORS_ROOMS)]
    for_musicians = [said for said in texts if said not in for_operators]
    assert len(for_musicians) > len(for_operators) > 0
    assert broken(iter(for_operators), OPERATORS) == []
    assert broken(iter(for_musicians), MUSICIANS) == []


def test_operators_texts_keep_the_voice():
    assert broken(texts_of(OPERATORS_FILES), OPERATORS) == []


@pytest.mark.parametrize(
    ("suffix", "source", "found"),
    [
        (".html", "<p>\nThe asset is gone</p>", [(2, "asset", "track")]),
        (".html", '<a title="Show the log">x</a>', [(1, "log", "history")]),
        (".html", '{{ "It may clip" if loud else "Fine" }}', [(1, "it may", "could")]),
        (".html", "<p>Peaks at -1 dBTP</p>", [(1, "hyphen", "−")]),
        (".html", "<p>-{{ finding.deduction }} points</p>", [(1, "hyphen", "−")]),
        (".html", '<p>Delete "{{ name }}"?</p>', [(1, "straight quotes", "“…”")]),
        (".py", '\nX = {"a": "Your second factor is on."}', [(2, "second factor", "two-step")]),
        (".py", 'tell(f"Nobody who {name} can do that now")', [(1, "Nobody who", "verb")]),
        (".py", 'Y = "Done: what others share stays hidden now"', [(1, "What", "thing")]),
        (".js", "\ntoast(`${count} assets deleted`);", [(2, "asset", "track")]),
        (".js", "show(busy ? 'Loading...' : '');", [(1, "three full stops", "…")]),
        (".js", "box.innerHTML = `<p>\n  Valence of it</p>`;", [(2, "valence", "positivity")]),
    ],
)
def test_a_breach_is_named_with_its_line_and_what_is_right(
    suffix: str, source: str, found: list[tuple[int, str, str]]
):
    told = [
        (line, breach)
        for line, text in of_source(source, suffix)
        for breach in MUSICIANS.breaches(text)
    ]
    assert [line for line, _ in told] == [line for line, _, _ in found]
    for (_, breach), (_, wrong, right) in zip(told, found, strict=True):
        assert wrong in breach
        assert right in breach


@pytest.mark.parametrize(
    ("suffix", "source"),
    [
        (
            ".html",
            '<form action="/api/assets" data-asset="{{ asset.id }}" class="scope log"></form>',
        ),
        (".html", '{% if scope == "assets:read" %}{{ asset.log }}{% endif %}{# The log #}'),
        (".html", "<script>let asset = 'The asset';</script>"),
        (".py", '"""The asset of the log."""\nlog.info("The asset %s", asset)\nASSET = "asset"'),
        (".js", "// The asset's log\nconst asset = /The asset's log/;\nask('/api/assets');"),
        (".html", "<h2>What to do next</h2><p>Was that you? What did you change here today?</p>"),
    ],
)
def test_identifiers_comments_and_questions_are_no_breach(suffix: str, source: str):
    texts = [text for _, text in of_source(source, suffix)]
    assert [breach for text in texts for breach in MUSICIANS.breaches(text)] == []


def test_operators_may_read_of_sagas_and_musicians_may_not():
    assert list(OPERATORS.breaches("This saga waits for the log")) == []
    assert len(list(MUSICIANS.breaches("This saga waits for the log"))) == 2

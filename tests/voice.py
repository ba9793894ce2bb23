"""Finds the texts that people read in templates, Python and scripts, and what breaks the voice.

Texts are told from identifiers by their looks: words with a space between them, or a capital first.
`docs/voice.md` holds the words and beginnings that `breaches` looks for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).parents[1]
# Stands where a template, an f-string or a script puts a value in.
VALUE = "\N{OBJECT REPLACEMENT CHARACTER}"
_SPOKEN_ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-label"}
_WITHOUT_TEXT = {"script", "style", "svg"}
_PROSE = re.compile(
    r"[A-Za-z][\w’'”,.:;?!)…-]* [\w“(~…\N{OBJECT REPLACEMENT CHARACTER}]|^[A-Z][a-z]"
)

# Selectors, and headers such as Content-Type.
_CODE = re.compile(r"\[[\w-]+[\]=]|^[A-Z]\w*(?:-[A-Z]\w*)+$")


@dataclass(frozen=True, slots=True)
class Said:
    """A text as people read it; values put into it are `VALUE`."""

    path: str
    line: int
    text: str


def of_file(path: str) -> list[Said]:
    """Every text of a template, a module or a script of this repository."""
    source = (ROOT / path).read_text(encoding="utf-8")
    return [Said(path, line, text) for line, text in of_source(source, Path(path).suffix)]


def of_source(source: str, suffix: str) -> Iterator[tuple[int, str]]:
    """(line, text); markup inside a string is read as a template is."""
    readers = {".html": of_template, ".py": of_python, ".js": of_script}
    for line, text in readers[suffix](source):
        if suffix != ".html" and re.search(r"<\w[^>]*>", text):
            yield from ((line + below - 1, inner) for below, inner in of_template(text))
        else:
            yield line, text


def of_template(source: str) -> Iterator[tuple[int, str]]:
    """Texts between tags, spoken attributes, and texts that Jinja chooses between."""
    page, written = [], []
    in_jinja = False
    for line, kind, value in Environment().lex(source):
        if kind in ("variable_begin", "block_begin"):
            in_jinja = True
        elif kind in ("variable_end", "block_end"):
            in_jinja = False
            page.append(VALUE if kind == "variable_end" else "")
        if kind == "data":
            page.append(value)
            continue
        page.append("\n" * value.count("\n"))
        if in_jinja and kind == "string" and is_prose(value[1:-1]):
            written.append((line, value[1:-1]))
    reader = _Page()
    reader.feed("".join(page))
    reader.close()
    yield from sorted(reader.found + written)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _WITHOUT_TEXT:
            self._silent += 1
        for name, value in attrs:
            if name in _SPOKEN_ATTRIBUTES and value:
                self._take(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in _WITHOUT_TEXT:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._take(data)

    def _take(self, text: str) -> None:
        told = " ".join(text.split())
        if re.search(r"[A-Za-z]", told):
            blank = len(text) - len(text.lstrip())
            self.found.append((self.getpos()[0] + text[:blank].count("\n"), told))


def of_python(source: str) -> Iterator[tuple[int, str]]:
    """Strings of a module that read like sentences; no docstrings, and nothing that is logged."""
    yield from _strings_of(ast.parse(source))


def _strings_of(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in ("log", "_log"):
            return
        case ast.Constant(value=str(text)) if is_prose(text):
            yield node.lineno, text
        case ast.JoinedStr(values=parts):
            text = "".join(
                part.value if isinstance(part, ast.Constant) else VALUE for part in parts
            )
            if is_prose(text):
                yield node.lineno, text
            for part in parts:
                if not isinstance(part, ast.Constant):
                    yield from _strings_of(part)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings_of(child)


_PATTERN = r"(?<=[=(,:!&|?;{}\n])[ ]*/(?![/*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\n\\])+/"
_SCRIPT = re.compile(
    rf"(?P<skip>//[^\n]*|/\*.*?\*/|{_PATTERN})"
    r"""|"(?P<double>(?:\\.|[^"\\\n])*)"|'(?P<single>(?:\\.|[^'\\\n])*)'|(?P<back>`)""",
    re.DOTALL,
)


def of_script(source: str) -> Iterator[tuple[int, str]]:
    """Strings of a script that read like sentences or labels; no comments, no patterns."""
    yield from _script_strings(source, 0, len(source))


def _script_strings(source: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    at = start
    while found := _SCRIPT.search(source, at, end):
        line = source.count("\n", 0, found.start()) + 1
        at = found.end()
        if found["back"]:
            text, at, values = _template_literal(source, at)
            if is_prose(text):
                yield line, text
            for first, last in values:
                yield from _script_strings(source, first, last)
        elif not found["skip"]:
            text = found["double"] if found["double"] is not None else found["single"]
            if is_prose(text):
                yield line, text


def _template_literal(source: str, at: int) -> tuple[str, int, list[tuple[int, int]]]:
    """(text, where the source goes on, where values stand) of a literal that begins at `at`."""
    text, values = "", []
    while source[at] != "`":
        if source[at] == "\\":
            text, at = text + source[at + 1], at + 2
        elif source.startswith("${", at):
            first, depth = at + 2, 1
            at = first
            while depth:
                if source[at] == "`":
                    at = _template_literal(source, at + 1)[1]
                    continue
                depth += {"{": 1, "}": -1}.get(source[at], 0)
                at += 1
            values.append((first, at - 1))
            text += VALUE
        else:
            text, at = text + source[at], at + 1
    return text, at + 1, values


def is_prose(text: str) -> bool:
    return _PROSE.search(text) is not None and _CODE.search(text) is None


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one kind of reader: what not to say, and what instead."""

    instead: dict[str, str]
    beginnings: tuple[str, ...]

    def breaches(self, text: str) -> Iterator[str]:
        """Each says what is wrong in the text, and what is right."""
        for word, better in self.instead.items():
            if re.search(rf"\b{re.escape(word)}s?\b", text, re.IGNORECASE):
                yield f"“{word}”: say {better}"
        for number, sentence in enumerate(re.split(r"(?<=[.!?:])\s+", text)):
            if number == 0 and not sentence[:1].isupper():
                continue  # goes on from a figure or a link
            begins = next((each for each in self.beginnings if _begins(sentence, each)), None)
            if begins and len(sentence.split()) > 4 and not sentence.endswith("?"):
                yield f"a sentence begins with “{begins}”: begin with its thing, or with a verb"
        if re.search(rf"(?:^|[\s(])-(?=[\d{VALUE}])", text):
            yield "a hyphen before a number: write the minus sign −"
        if '"' in re.sub(r'[\w-]+="[^"]*"', "", text):
            yield "straight quotes: write “…” around names"
        if "..." in text:
            yield "three full stops: write …"


def _begins(sentence: str, words: str) -> bool:
    return re.match(rf"{words}\b", sentence[:1].upper() + sentence[1:]) is not None


def rules() -> tuple[Rules, Rules]:
    """Those of musicians' texts and those of operators', as docs/voice.md has them."""
    page = (ROOT / "docs" / "voice.md").read_text(encoding="utf-8")
    tables = re.findall(r"\| not \| but \|\n\|---\|---\|\n((?:\|.*\n)+)", page)
    listed = re.search(r"## How no sentence begins\n\n(.+)\n", page)
    assert len(tables) == 2
    assert listed is not None
    beginnings = tuple(listed[1].split(" · "))
    musicians, operators = (Rules(dict(_rows(table)), beginnings) for table in tables)
    return musicians, operators


def _rows(table: str) -> Iterator[tuple[str, str]]:
    for row in table.splitlines():
        words, better = row.strip("| ").split(" | ")
        yield from ((word, better) for word in words.split(", "))

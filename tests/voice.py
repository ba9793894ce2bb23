"""Finds the texts that people read in templates, Python and scripts, each with its file and line.

Texts are told from identifiers by their looks: words with a space between them, or a capital first.
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


@dataclass(frozen=True, slots=True)
class Said:
    """A text as people read it; values put into it are `VALUE`."""

    path: str
    line: int
    text: str


def of_file(path: str) -> list[Said]:
    """Every text of a template, a module or a script of this repository."""
    source = (ROOT / path).read_text(encoding="utf-8")
    readers = {".html": of_template, ".py": of_python, ".js": of_script}
    texts = readers[Path(path).suffix](source)
    return [Said(path, line, text) for line, text in texts]


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


_SCRIPT = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|(?<=[=(,:!&|?;{}\n])[ ]*/(?![/*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\n\\])+/)
    |"(?P<double>(?:\\.|[^"\\\n])*)"|'(?P<single>(?:\\.|[^'\\\n])*)'|(?P<back>`)""",
    re.DOTALL | re.VERBOSE,
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
    return _PROSE.search(text) is not None

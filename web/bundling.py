"""Many small modules and style sheets as few files: over slow 4G each request costs 150 ms.

A module becomes a function that is called once and whose exports are kept by name, so that what is
fetched later (`import("./stage.js")`) finds the very modules that the page already has. Nothing is
rewritten but `import` and `export` at the beginning of a line and the addresses of what is fetched
later; comments and indentation go, so a text of several lines must not need its own. No library is
needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from posixpath import dirname, join, normpath, relpath

from schemas.errors import NoCultureError

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[\w./-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const)) (\w+)", re.MULTILINE)
_EXPORTS = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_LATER = re.compile(r'\bimport\("(\.[\w./-]+\.js)"\)')
_SHEET = re.compile(r'^@import "(\.[\w./-]+\.css)";$', re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/)[ \t]*\n", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)
# A module's own `kept` would hide that of the bundle, from which its imports come.
_LEFT = re.compile(r"^(?:(?:import|export)\b|(?:const|let|var) kept\b)", re.MULTILINE)
_KEPT = "const kept = (globalThis.noculture ??= {});\n"


class NotBundled(NoCultureError):
    """A mistake of ours, found when the process starts."""

    status, code = 500, "not-bundled"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} cannot be bundled: {why}")


def bundles(sources: Mapping[str, str], pages: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Makes one bundle per kind of page, and one per module that those fetch later.

    `sources` maps file names to modules, `pages` the name of a bundle to the modules that it runs.
    A bundle fetched later leaves out what every page that fetches it has already. Raises
    NotBundled.
    """
    made: dict[str, str] = {}
    has: dict[str, set[str]] = {}
    for page, entries in pages.items():
        modules = _order(sources, entries)
        made[page] = _bundle(sources, modules, page)
        for name in _fetched_later(sources, modules):
            has[name] = has.get(name, set(modules)).intersection(modules)
    for name, known in has.items():
        own = [each for each in _order(sources, [name]) if each not in known]
        made[name] = _bundle(sources, own, name) + _again(name, sources[name])
    return made


def sheet(sources: Mapping[str, str], name: str) -> str:
    """Puts the style sheets that this one imports in their places. Raises NotBundled."""
    if name not in sources:
        raise NotBundled(name, "a style sheet imports it and it is not there")
    text = _SHEET.sub(lambda found: sheet(sources, _meant(name, found[1])), lean(sources[name]))
    return _INDENT.sub("", text)


def lean(text: str) -> str:
    """Without the comments that have lines of their own: a fifth of what a script moves, packed."""
    return _COMMENT.sub("", text)


def _bundle(sources: Mapping[str, str], names: Iterable[str], bundle: str) -> str:
    called = [
        f'kept["{name}"] ??= {_called(name, sources[name], dirname(bundle))};\n' for name in names
    ]
    return _KEPT + _INDENT.sub("", "".join(called))


def _again(name: str, source: str) -> str:
    exported = ", ".join(_exports(source))
    return f'export const {{ {exported} }} = kept["{name}"];\n' if exported else ""


def _called(name: str, source: str, folder: str) -> str:
    """`folder` is the bundle's: what it fetches later is looked for from there."""
    body = _IMPORT.sub(lambda found: _taken(name, found), lean(source))
    body = _LATER.sub(lambda found: f'import("{_seen_from(folder, name, found[1])}")', body)
    body = _EXPORTS.sub("", _EXPORT.sub(r"\1 \2", body))
    if left := _LEFT.search(body):
        raise NotBundled(name, f"it says {body[left.start() :].splitlines()[0]!r:.80}")
    return f"(() => {{\n{body}\nreturn {{ {', '.join(_exports(source))} }};\n}})()"


def _taken(name: str, found: re.Match[str]) -> str:
    names, address = found.groups()
    if names is None:
        return ""
    return f'const {{{names.replace(" as ", ": ")}}} = kept["{_meant(name, address)}"];'


def _meant(name: str, address: str) -> str:
    """The module that `name` calls by this address."""
    return normpath(join(dirname(name), address))


def _refuse_unknown(sources: Mapping[str, str], name: str, found: re.Match[str]) -> None:
    """A name that a module does not export would be found missing by whoever presses a button."""
    names, address = found.groups()
    wanted = {each.split(" as ")[0].strip() for each in (names or "").split(",")} - {""}
    source = sources.get(_meant(name, address), "")
    if source and (unknown := wanted - {*_exports(source)}):
        raise NotBundled(name, f"{address} does not export {' and '.join(sorted(unknown))}")


def _seen_from(folder: str, name: str, address: str) -> str:
    path = relpath(_meant(name, address), folder or ".")
    return path if path.startswith(".") else f"./{path}"


def _exports(source: str) -> list[str]:
    gathered = (name.strip() for found in _EXPORTS.finditer(source) for name in found[1].split(","))
    return [found[2] for found in _EXPORT.finditer(source)] + [name for name in gathered if name]


def _fetched_later(sources: Mapping[str, str], modules: Iterable[str]) -> list[str]:
    """Lists the modules that these fetch later, and those that they fetch in their turn."""
    found: list[str] = []
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        for call in _LATER.finditer(lean(sources[name])):
            later = _meant(name, call[1])
            if later not in found:
                found.append(later)
                waiting += _order(sources, [later])
    return found


def _order(sources: Mapping[str, str], entries: Iterable[str]) -> list[str]:
    """Everything that the entries import, each behind what it imports itself."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            raise NotBundled(name, f"it imports itself by way of {' and '.join(path)}")
        if name not in sources:
            raise NotBundled(name, f"{' and '.join(path) or 'a page'} wants it and it is not there")
        for found in _IMPORT.finditer(sources[name]):
            _refuse_unknown(sources, name, found)
            visit(_meant(name, found[2]), (*path, name))
        done.append(name)

    for entry in entries:
        visit(entry, ())
    return done

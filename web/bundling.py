"""Many small modules and style sheets as few files: over slow 4G each request costs 150 ms.

A module becomes a function that is called once and whose exports are kept by name, so that what is
fetched later (`import("./stage.js")`) finds the very modules that the page already has. Nothing is
rewritten but `import` and `export` at the beginning of a line, and comments go; no library is
needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from schemas.errors import NoCultureError

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const)) (\w+)", re.MULTILINE)
_EXPORTS = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_LATER = re.compile(r'(?<!\{)\bimport\("\./([\w-]+\.js)"\)|: "\./([\w-]+\.js)"')
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/)[ \t]*\n", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b", re.MULTILINE)
_KEPT = "const kept = (globalThis.noculture ??= {});\n"


class NotBundled(NoCultureError):
    """A mistake of ours, found when the process starts."""

    status, code = 500, "not-bundled"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} cannot be bundled: {why}")


def bundles(sources: Mapping[str, str], entry: str) -> dict[str, str]:
    """`entry` and whatever it fetches later, each with all that it imports and has not got yet.

    `sources` maps file names to modules. Raises NotBundled.
    """
    first = _order(sources, [entry])
    made = {entry: _bundle(sources, first, entry)}
    waiting = [_later(sources[name]) for name in first]
    while waiting:
        for name in waiting.pop():
            if name not in made and name not in first:
                own = [each for each in _order(sources, [name]) if each not in first]
                made[name] = _bundle(sources, own, name)
                waiting += [_later(sources[each]) for each in own]
    return made


def lean(text: str) -> str:
    """Without the comments that have lines of their own: a fifth of what a script moves, packed."""
    return _COMMENT.sub("", text)


def _bundle(sources: Mapping[str, str], names: Iterable[str], entry: str) -> str:
    modules = [f'kept["{name}"] ??= {_called(name, sources[name])};\n' for name in names]
    exported = ", ".join(_exports(sources[entry]))
    again = f'export const {{ {exported} }} = kept["{entry}"];\n' if exported else ""
    return _KEPT + "".join(modules) + again


def _called(name: str, source: str) -> str:
    body = _IMPORT.sub(_taken, lean(source))
    body = _EXPORTS.sub("", _EXPORT.sub(r"\1 \2", body))
    if left := _LEFT.search(body):
        raise NotBundled(name, f"it says {body[left.start() :].splitlines()[0]!r:.80}")
    return f"(() => {{\n{body}\nreturn {{ {', '.join(_exports(source))} }};\n}})()"


def _taken(found: re.Match[str]) -> str:
    names, module = found.groups()
    if names is None:
        return ""
    return f'const {{{names.replace(" as ", ": ")}}} = kept["{module}"];'


def _exports(source: str) -> list[str]:
    gathered = (name.strip() for found in _EXPORTS.finditer(source) for name in found[1].split(","))
    return [found[2] for found in _EXPORT.finditer(source)] + [name for name in gathered if name]


def _later(source: str) -> list[str]:
    return [found[1] or found[2] for found in _LATER.finditer(source)]


def _order(sources: Mapping[str, str], entries: Iterable[str]) -> list[str]:
    """Everything that the entries import, each behind what it imports itself."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            raise NotBundled(name, f"it imports itself by way of {' and '.join(path)}")
        if name not in sources:
            raise NotBundled(name, f"{path[-1]} imports it and it is not there")
        for found in _IMPORT.finditer(sources[name]):
            visit(found[2], (*path, name))
        done.append(name)

    for entry in entries:
        visit(entry, ())
    return done

"""Static files under a URL that changes with their content, so browsers may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from schemas.errors import NoCultureError
from schemas.text import Ref
from web.bundling import bundles, sheet

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
_TEXT = frozenset({".css", ".js", ".svg", ".json", ".txt", ".webmanifest"})
# Every page has the layer `page`; those of somebody who is signed in have `app` as well. A layer is
# js/<layer>.js and css/<layer>.css, then the same of each area, js/<area>/<layer>.js and so on.
PAGES = {"page": ("page",), "app": ("page", "app")}
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class NoSuchFile(NoCultureError):
    status, code = 404, "not-found"

    def __init__(self) -> None:
        super().__init__("There is no such file: reload the page")


@dataclass(frozen=True, slots=True)
class Served:
    """`packed` is the gzip form, for texts."""

    body: bytes
    packed: bytes | None
    media_type: str


class StaticFiles:
    """All files in memory (some 300 kB), compressed once, under one version for all of them:
    modules import each other by relative path, so a changed one must change its importers' URLs.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): _load(path) for path in paths}
        if "js/page.js" in self._files:
            self._files |= self._bundled()
        digest = hashlib.sha256()
        for name, served in self._files.items():
            digest.update(name.encode() + b"\0" + served.body)
        self.version = digest.hexdigest()[:12]

    def _bundled(self) -> dict[str, Served]:
        """The same again as few files, for pages that are opened cold (benchmark P11)."""
        scripts, sheets = self._texts("js"), self._texts("css")
        made = bundles(
            scripts,
            {f"{page}.js": _entries(scripts, layers, "js") for page, layers in PAGES.items()},
        )
        for page, layers in PAGES.items():
            entries = _entries(sheets, layers, "css")
            made[f"{page}.css"] = "".join(sheet(sheets, name) for name in entries)
        return {
            f"bundle/{name}": _serve(text.encode(), Path(name).suffix)
            for name, text in made.items()
        }

    def _texts(self, kind: str) -> dict[str, str]:
        """All files of js/ or css/, by their names below it."""
        return {
            name.removeprefix(f"{kind}/"): served.body.decode()
            for name, served in self._files.items()
            if name.startswith(f"{kind}/")
        }

    def url(self, name: str) -> str:
        """Raises KeyError for a file that is not there: a template's typo shows at once."""
        self._files[name]
        return f"/static/{self.version}/{name}"

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.get("/static/{version}/{name:path}", include_in_schema=False)
        def static_file(version: Ref, name: Ref, request: Request) -> Response:
            served = self._files.get(name)
            if served is None:
                raise NoSuchFile
            # An old page may ask by an old version: it gets today's file, but may not keep it.
            current = version == self.version
            headers = {"Cache-Control": FOR_EVER if current else "no-cache"}
            body = served.body
            if served.packed is not None:
                headers["Vary"] = "Accept-Encoding"
                if "gzip" in request.headers.get("accept-encoding", ""):
                    body, headers["Content-Encoding"] = served.packed, "gzip"
            return Response(body, media_type=served.media_type, headers=headers)

        return router


def _entries(sources: Mapping[str, str], layers: Iterable[str], suffix: str) -> list[str]:
    """Names the first files of these layers: for each layer the root's file, then the areas'."""
    return [
        name
        for layer in layers
        for name in sorted(sources, key=lambda name: (name.count("/"), name))
        if name.split("/")[-1] == f"{layer}.{suffix}"
    ]


def _load(path: Path) -> Served:
    return _serve(path.read_bytes(), path.suffix)


def _serve(body: bytes, suffix: str) -> Served:
    media_type = _MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix, "text/plain")
    packed = gzip.compress(body, 9, mtime=0) if suffix in _TEXT else None
    return Served(body, packed, media_type)

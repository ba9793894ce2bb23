"""From a template and what it shows to an answer with the right headers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kit.caller import Caller
from kit.security_headers import csp_nonce
from schemas.errors import NoCultureError
from web import looks, markup
from web.form_token import masked
from web.sections import Navigation, path_of
from web.static_files import FOLDER, StaticFiles

TEMPLATES = FOLDER.parent / "templates"
THEME_COOKIE = "noculture_theme"
# The page's ground, for the bars that a system draws around it: --bg of tokens.css.
GROUNDS = {"light": "#f3f3ee", "dark": "#10110f"}
SIDE_COOKIE = "noculture_side"
FILTERS = (
    looks.clock,
    looks.moment_of,
    looks.span,
    looks.decimal,
    looks.figure,
    looks.bare,
    looks.percent,
    looks.sentence,
    looks.size,
    looks.grouped,
    looks.day_and_time,
    looks.day,
    looks.iso,
    markup.attributes,
    markup.initials,
    markup.hue,
)


@dataclass(frozen=True, slots=True)
class Words:
    """Filters and values that templates of an area may use, by name. `docks` are templates below
    every page of somebody who is signed in.
    """

    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    docks: tuple[str, ...] = ()


class Renderer:
    """One per process. `page` gives the whole document, `part` only a fragment for htmx.

    `navigation`, and `needs` for the count beside the inbox, are set once all pages are there.
    """

    def __init__(self, static: StaticFiles, words: Iterable[Words] = ()) -> None:
        """`words` are those of the areas."""
        self.navigation = Navigation((), {})
        self.needs: Callable[[Caller], int] = lambda caller: 0
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            static=static.url, looks=looks, grounds=GROUNDS, column=markup.Column
        )
        self._environment.filters.update({filter.__name__: filter for filter in FILTERS})
        words = list(words)
        self._environment.globals["docks"] = [dock for each in words for dock in each.docks]
        for each in words:
            self._environment.filters.update(each.filters)
            self._environment.globals.update(each.values)

    def page(
        self, request: Request, template: str, status: int = 200, **shown: Any
    ) -> HTMLResponse:
        caller: Caller | None = getattr(request.state, "caller", None)
        theme = request.cookies.get(THEME_COOKIE)
        text = self._environment.get_template(template).render(
            caller=caller,
            csrf_token=masked(caller.csrf_token) if caller and caller.csrf_token else None,
            path=request.url.path,
            theme=theme if theme in ("dark", "light") else None,
            nonce=csp_nonce(request),
            **self._frame(request, caller),
            needs=self._count(request, caller, status),
            **shown,
        )
        headers = {"Vary": "HX-Request, HX-Request-Type, Cookie, Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(text, status, headers)
        # A vault of 24 tracks: 44.6 kB as it is, 6.3 kB packed, in 0.6 ms.
        headers["Content-Encoding"] = "gzip"
        return HTMLResponse(gzip.compress(text.encode(), 5), status, headers)

    part = page

    def _count(self, request: Request, caller: Caller | None, status: int) -> int | None:
        """None where nothing shows it, after an error, which may be the database's, and while a
        view that it is counted from is being built: no page waits for that.
        """
        if caller is None or status >= 400 or wants_part(request):
            return None
        try:
            return self.needs(caller)
        except NoCultureError as error:
            if error.status != 503:
                raise
            return None

    def _frame(self, request: Request, caller: Caller | None) -> dict[str, Any]:
        """Values for the frame around the page of somebody who is signed in."""
        if caller is None:
            return {"place": None, "above": ()}
        place = self.navigation.place_of(request)
        return {
            "place": place,
            "above": place.above(path_of(request)) if place else [],
            "sections": self.navigation.seen_by(caller),
            "side": "folded" if request.cookies.get(SIDE_COOKIE) == "folded" else "open",
        }


def wants_part(request: Request) -> bool:
    """htmx says `full` when it will pick the page's main part out of a whole document itself."""
    return request.headers.get("hx-request-type") == "partial"

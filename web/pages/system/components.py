"""All shared parts with sample data, for those who build pages and the test that looks at them."""

import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.text import Ref
from web.pages.system.tools import SystemTools
from web.visitor import Visitors

# The one text about when to use which. The page quotes it.
DOCUMENT = Path(__file__).parents[3] / "docs" / "components.md"
TABS = ("notes", "mix", "details")
_ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_MACRO = re.compile(r"`(\w+)\(…\)`")


def router(tools: SystemTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    when = uses(text_of(DOCUMENT))

    @routes.get("/system/components", dependencies=[Depends(visitors.operator)])
    def components_page(request: Request, tab: Annotated[Ref | None, Query()] = None) -> Response:
        current = tab if tab in TABS else TABS[0]
        return tools.renderer.page(request, "system/components.html", uses=when, tab=current)

    return routes


def text_of(document: Path) -> str:
    """A program may be installed without its documents: its page shows the parts alone."""
    return document.read_text(encoding="utf-8") if document.is_file() else ""


def uses(document: str) -> dict[str, str]:
    """Reads from the tables of the document when to use which macro: `button(…)` in the second
    column, when in the third.
    """
    return {
        name: when.replace("`", "")
        for made, when in _ROW.findall(document)
        for name in _MACRO.findall(made)
    }

"""Tools of every page. An area's pages have more: its `tools.py` beside them."""

from __future__ import annotations

from dataclasses import dataclass

from kit.auth import Authenticate
from kit.limits import RateLimits
from kit.positions import Progress
from web.render import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTools:
    renderer: Renderer
    authenticated: Authenticate
    progress: Progress
    limits: RateLimits

"""The kit around an application, in the one order in which its parts work together."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI

from kit.body import BodyLimit
from kit.door import Door
from kit.openapi import describe_problems
from kit.problems import PageOfProblem, install_problems
from kit.security_headers import SecurityHeaders
from kit.site import Site


def install_kit(
    app: FastAPI,
    site: Site,
    streams: Iterable[str],
    page: PageOfProblem | None = None,
) -> None:
    """Body limit, the door, problems and their description, security headers. `streams` are
    expressions of paths whose handler reads the body piece by piece.

    The last one added is the outermost: a 500 gets security headers, a 413 its request id.
    """
    app.add_middleware(BodyLimit, streams=streams)
    app.add_middleware(Door, site=site)
    install_problems(app, page)
    describe_problems(app)
    app.add_middleware(SecurityHeaders, https=site.is_https)

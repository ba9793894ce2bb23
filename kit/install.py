"""The kit around an application, in the one order in which its parts work together."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from kit.body import BodyLimit
from kit.problems import PageOfProblem, install_problems
from kit.security_headers import SecurityHeaders


def install_kit(
    app: FastAPI, streams: Callable[[str, str], bool], page: PageOfProblem | None = None
) -> None:
    """Body limit, problems, security headers.

    The last one added is the outermost: a 500 gets security headers, a 413 its request id.
    """
    app.add_middleware(BodyLimit, streams=streams)
    install_problems(app, page)
    app.add_middleware(SecurityHeaders)

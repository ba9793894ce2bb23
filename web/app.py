"""The web client put together: one router of all pages, and the page that shows a problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter

from kit.auth import Authenticate
from kit.problems import PageOfProblem
from web.pages import problem
from web.render import Renderer, Words
from web.static_files import StaticFiles


@dataclass(frozen=True, slots=True)
class Look:
    """The parts that every answer shares: static files and templates, loaded once."""

    static: StaticFiles
    renderer: Renderer


def load_look(words: Iterable[Words]) -> Look:
    """`words` are those of the areas."""
    static = StaticFiles()
    return Look(static, Renderer(static, words))


def router(look: Look, pages: Iterable[APIRouter]) -> APIRouter:
    """Every page of the web client. None of them is in the OpenAPI document."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(look.static.router())
    for page in pages:
        routes.include_router(page)
    return routes


def problem_page(look: Look, authenticated: Authenticate) -> PageOfProblem:
    """For `install_problems`: errors as pages, for browsers outside /api."""
    return problem.page(look.renderer, authenticated)

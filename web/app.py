"""The web client put together: one router of all pages, and the page that shows a problem."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from kit.auth import Authenticate
from kit.problems import PageOfProblem
from web.pages import problem
from web.pages.account import account, confirm, entrance, erasure, forgotten, security, session
from web.pages.system import sagas, system
from web.pages.vault import asset, collections, measuring, vault
from web.parts import Parts
from web.render import Renderer
from web.static_files import StaticFiles


@dataclass(frozen=True, slots=True)
class Look:
    """What is the same for every answer: static files and templates, loaded once."""

    static: StaticFiles
    renderer: Renderer


def load_look() -> Look:
    static = StaticFiles()
    return Look(static, Renderer(static))


def router(look: Look, parts: Parts) -> APIRouter:
    """Every page of the web client. None of them is in the OpenAPI document."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(look.static.router())
    for page in (
        entrance,
        forgotten,
        vault,
        measuring,
        asset,
        collections,
        account,
        confirm,
        security,
        session,
        erasure,
        system,
        sagas,
    ):
        routes.include_router(page.router(parts))
    return routes


def problem_page(look: Look, authenticated: Authenticate) -> PageOfProblem:
    """For `install_problems`: errors as pages, for browsers outside /api."""
    return problem.page(look.renderer, authenticated)

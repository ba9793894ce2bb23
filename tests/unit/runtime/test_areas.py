"""What areas bring is gathered by name: a name has one owner, and nothing is left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY, patch

import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from commands.vault.ingest import RequestProbe
from events.ids import AccountId
from events.model import Event, Part, Personal, Registry
from events.outcome import Outcome
from events.personal import fields_with_parts
from kit.caller import Caller
from kit.exports import Export
from kit.policies import Policy
from kit.turns import passing
from projections.projection import Holds
from projections.system.sagas import Sagas
from projections.system.timeline import Timeline
from projections.vault.comments import Comments
from runtime.areas import ALL, AREAS, system, vault
from runtime.areas.area import Area, Category, EffectGroup, Erased, Served
from runtime.areas.gathering import (
    AreaIncomplete,
    TwoOwners,
    check_paths,
    gather,
    gather_exports,
    gather_places,
)
from runtime.consumers import views
from runtime.installation import ROOT
from tests.ticketing import ChargeAnswered, Charging, TicketHeld
from web.sections import Navigation, Section

VAULT, SYSTEM = vault.AREA, system.AREA

with patch("events.model.REGISTRY", Registry()):

    class PersonalAnswer(Event, Outcome, type="answer.kept", version=1, subject="account_id"):
        account_id: AccountId
        name: Personal[str]

    class Payer(Part, subject="account_id"):
        account_id: AccountId
        name: Personal[str]

    class AnswerOfMany(Event, Outcome, type="answer.of_many", version=1):
        payers: tuple[Payer, ...]


def instead(area: Area, **other: Any) -> list[Area]:
    """All areas, one of them with something other than it has."""
    return [replace(each, **other) if each is area else each for each in AREAS]


def with_more(area: Area, **more: Any) -> list[Area]:
    """All areas, one of them with something more than it has."""
    changed = {
        name: {**getattr(area, name), **value}
        if isinstance(value, dict)
        else (*getattr(area, name), *value)
        for name, value in more.items()
    }
    return instead(area, **changed)


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("view vault", {"views": [VAULT.views[-1]]}),
        ("saga ingest", {"sagas": [VAULT.sagas[0]]}),
        ("command RequestProbe", {"handlers": {"RequestProbe": VAULT.handlers["RequestProbe"]}}),
        ("scope assets:read", {"scopes": {"assets:read": "read something else"}}),
        ("rate limit sign-in", {"limits": [Policy("sign-in", 1)]}),
        ("rate limit read", {"limits": [Policy("read", 1)]}),
        ("group of effects audio-effects", {"effects": [EffectGroup("audio-effects", ())]}),
        ("effect probe", {"effects": [EffectGroup("more", VAULT.effects[0].effects)]}),
        ("consumer ingest", {"effects": [EffectGroup("ingest", ())]}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_name_that_two_areas_bring_is_refused(what: str, more: dict[str, Any]):
    with pytest.raises(TwoOwners, match=f"The {what} has two owners"):
        gather(with_more(SYSTEM, **more))


def test_one_area_cannot_bring_a_name_twice_either():
    with pytest.raises(TwoOwners, match="vault and vault"):
        gather(with_more(VAULT, views=[VAULT.views[0]]))


def test_a_category_that_an_area_says_nothing_of_is_named():
    silent = {name: said for name, said in VAULT.categories.items() if name != "comment"}
    with pytest.raises(AreaIncomplete, match=r"vault .*erasure leaves.*comment"):
        gather(instead(VAULT, categories=silent))


def test_an_area_that_has_events_and_is_not_listed_is_named():
    with pytest.raises(AreaIncomplete, match=r"system .*does not list it"):
        gather([each for each in AREAS if each is not SYSTEM])


def test_a_category_that_an_area_has_not_got_is_named():
    with pytest.raises(AreaIncomplete, match=r"vault .*loan"):
        gather(with_more(VAULT, categories={"loan": Category(Erased.DELETED, told=True)}))


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("comment", Erased.NOTHING_PERSONAL, "hold personal values"),
        ("analysis", Erased.UNREADABLE, "no event of analysis holds a personal value"),
        ("analysis", Erased.DELETED, "no event analysis.deleted"),
    ],
)
def test_what_erasure_leaves_is_said_truly(name: str, said: Erased, why: str):
    with pytest.raises(AreaIncomplete, match=why):
        gather(with_more(VAULT, categories={name: Category(said, told=True)}))


def test_what_is_deleted_with_a_workspace_has_somebody_who_deletes_it():
    with pytest.raises(AreaIncomplete, match="nothing deletes"):
        gather(instead(VAULT, empties=None))


def test_a_view_in_plain_of_what_no_erasure_deletes_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Timeline, "holds", Holds.UNTIL_DELETED)
    monkeypatch.setattr(Timeline, "categories", ("key",))
    with pytest.raises(AreaIncomplete, match=r"system .*view timeline holds key in plain"):
        gather(AREAS)


def test_a_view_in_plain_of_what_is_said_of_several_people_is_named(
    monkeypatch: pytest.MonkeyPatch,
):
    class Party(Part, subject="account_id"):
        account_id: AccountId
        name: Personal[str]

    class Spoken(BaseModel):
        party: Party

    monkeypatch.setattr(
        "runtime.areas.gathering.fields_with_parts",
        lambda model: fields_with_parts(Spoken if model.type == "comment.added" else model),
    )
    named = r"view comments holds comment in plain, whose events have values of several people"
    monkeypatch.setattr(Comments, "holds", Holds.UNTIL_DELETED)
    with pytest.raises(AreaIncomplete, match=named):
        gather(AREAS)


def test_a_handler_stands_under_the_stored_name_of_its_command():
    handler = VAULT.handlers["RequestProbe"][1]
    with pytest.raises(AreaIncomplete, match="stored as RequestProbe, not as Probe"):
        gather(with_more(SYSTEM, handlers={"Probe": (RequestProbe, handler)}))


def test_an_answer_that_is_kept_holds_nothing_personal(monkeypatch: pytest.MonkeyPatch):
    """Nothing could encrypt it once its subject is erased."""
    probe = VAULT.effects[0].effects[0]
    for model in (ChargeAnswered, TicketHeld, PersonalAnswer, AnswerOfMany):
        monkeypatch.setattr(probe, "outcomes", (model,))
        if model is not ChargeAnswered:
            with pytest.raises(AreaIncomplete, match=f"vault .*{probe.name} keeps {model.type}"):
                gather(AREAS)
        else:
            gather(AREAS)


@pytest.mark.parametrize(
    ("effect", "money", "why"),
    [
        (Charging, True, None),
        (Charging, False, "its group says `money`"),
        (SimpleNamespace(**vars(Charging) | {"outcomes": ()}), True, "it keeps its answers"),
        (SimpleNamespace(**vars(Charging) | {"moves_money": False}), True, "does not say `moves_"),
    ],
)
def test_an_erasure_can_wait_for_what_moves_money(effect: Any, money: bool, why: str | None):
    areas = with_more(VAULT, effects=[EffectGroup("charges", (effect,), money=money)])
    if why is None:
        gather(areas)
        return
    with pytest.raises(AreaIncomplete, match=f"vault .*charge.*{why}"):
        gather(areas)


def a_route(path: str) -> APIRouter:
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route(path, lambda: None, methods=["POST"])
    outer.include_router(inner)
    return outer


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"costly": [*passing(ANY, ANY, "POST", "/api/loans/[^/]+/scan")]}, None),
        ({"costly": [*passing(ANY, ANY, "PUT POST", "/api/loans/.*", "/api/loan")]}, "POST /api/l"),
        ({"costly": [*passing(ANY, ANY, "GET", "/api/loans/[^/]+/scan")]}, "costly GET /api/loans"),
        ({"streams": ["/api/loans/.*"]}, None),
        ({"streams": ["/api/scans"]}, "stream /api/scans"),
    ],
)
def test_a_path_that_an_area_says_something_of_is_one_of_its_routes(
    more: dict[str, Any], why: str | None
):
    served = Served(routers=[a_route("/api/loans/{loan_id}/scan")], **more)
    if why is None:
        check_paths("lending", served)
        return
    with pytest.raises(AreaIncomplete, match=f"lending .*{why}.* names no route"):
        check_paths("lending", served)


def lending_pages() -> APIRouter:
    pages = APIRouter()

    @pages.get("/loans")
    def loans() -> None: ...

    @pages.post("/loans/{loan_id}/return")
    def take_back() -> None: ...

    return pages


def loans_entry(**other: Any) -> Section:
    said: dict[str, Any] = {"name": "Loans", "path": "/loans", "icon": "stack"}
    return Section(**said | {"pages": ("loans",)} | other)


def test_a_page_belongs_to_the_entry_that_names_it_or_a_page_above_it():
    entry = loans_entry()
    navigation = Navigation([entry], gather_places([("lending", [entry], [lending_pages()])]))

    def place_of(path: str) -> Section | None:
        request: Any = SimpleNamespace(scope={"route": SimpleNamespace(path=path)})
        place = navigation.place_of(request)
        return place and place.part

    assert place_of("/loans") is entry
    assert place_of("/loans/{loan_id}/return") is entry
    assert place_of("/loanshark") is None
    assert place_of("/") is None


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (loans_entry(pages=("lent",)), "names 0 pages called lent"),
        (loans_entry(pages=("take_back",)), "names 0 pages called take_back"),
        (loans_entry(path="/lending"), "leads to /lending, and loans is /loans"),
        (loans_entry(parts=(loans_entry(path="/x"),)), "leads to /x, and loans is /loans"),
    ],
)
def test_an_entry_that_names_no_page_does_not_start(entry: Section, why: str):
    with pytest.raises(AreaIncomplete, match=re.escape(why)):
        gather_places([("lending", [entry], [lending_pages()])])


def test_a_page_is_in_one_entry():
    twice = [("lending", [loans_entry()], [lending_pages()])] * 2
    with pytest.raises(TwoOwners, match="page of the navigation loans"):
        gather_places(twice)


def test_the_rate_limits_that_routes_count_for_are_those_that_the_areas_say():
    """A limit that no area says is an error of the first request that counts for it."""
    counts = re.compile(r'imits\.(?:check\(\s*request,|policy\()\s*"([^"]+)"')
    rooms = ("commands", "kit", "read_api", "web")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    counted = {name for file in files for name in counts.findall(file.read_text("utf-8"))}
    # Which of these two it is `kit/auth.py` says by the request's method.
    assert counted | {"read", "write"} == {*ALL.limits}


def no_loans(caller: Caller) -> Iterator[str]:
    return iter(())


def test_a_list_of_the_export_has_one_owner_and_a_scope_that_keys_may_hold():
    lent = {"loans": Export("loans:read", no_loans)}
    assert gather_exports([("lending", lent)], {"loans:read"}) == lent
    with pytest.raises(TwoOwners, match=r"list of the export loans .* lending and desk"):
        gather_exports([("lending", lent), ("desk", lent)], {"loans:read"})
    with pytest.raises(AreaIncomplete, match=r"lending .*scope loans:read of its list loans"):
        gather_exports([("lending", lent)], {"loan:read"})


def test_the_timeline_tells_what_the_areas_say():
    told = {name for area in AREAS for name, said in area.categories.items() if said.told}
    assert set(ALL.told) == told
    assert "erasing" not in told


def test_the_view_of_sagas_follows_every_saga_of_the_areas():
    [followed] = [view.categories for view in views() if isinstance(view, Sagas)]
    assert followed == tuple(sorted(ALL.sagas))


def test_an_area_that_forgets_something_does_not_start():
    with pytest.raises(TypeError, match="export"):
        Area(  # type: ignore[call-arg]
            name="lending",
            categories={},
            scopes={},
            limits=(),
            views=(),
            sagas=(),
            handlers={},
            effects=(),
            sections=tuple,
            words=dict,
            empties=None,
            serve=None,
            work=None,
        )

"""The account area: people, workspaces, sessions, keys, signing in, erasure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from commands.account.erasure_handlers import HANDLERS
from kit.exports import Export
from kit.policies import Policy
from processors.account.erasure import CertifyEffect, DestroyKeyEffect, EraseContentsEffect
from processors.account.mail import AddressCodeMail, ErasureLinkMail, PasswordResetMail
from processors.account.notices import SecurityNoticeMail
from projections.account.accounts import Accounts as AccountsView
from projections.account.erasures import Erasures as ErasuresView
from runtime.areas.area import (
    Access,
    Area,
    Category,
    EffectGroup,
    Erased,
    Gathered,
    Served,
    Serving,
    Working,
)
from sagas.account.erasure import ERASURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

    from commands.account.accounts import Accounts, SigningUp
    from commands.account.address_codes import AddressCodes
    from commands.account.address_codes_http import RequireVerifiedAddress
    from commands.account.erasures import Erasures
    from commands.account.keys import Keys
    from commands.account.known_devices import Devices
    from commands.account.logins import Logins
    from commands.account.party_erasures import PartyErasures
    from commands.account.passkeys import Passkeys
    from commands.account.people import People
    from commands.account.proofs import Proofs
    from commands.account.recovery import Recovery
    from commands.account.second_factor import SecondFactors
    from commands.account.sessions import Sessions
    from commands.account.signing_in import SigningIn
    from commands.account.signing_out import SigningOut
    from commands.leaving import Contents
    from kit.auth import Authenticate
    from kit.fair import FairQueue
    from kit.limits import RateLimits
    from kit.proof import Proven
    from kit.turns import Costly, SubjectOf
    from processors.effects.effect import Effect
    from runtime.composition import Core
    from web.render import Words
    from web.sections import Section

SCOPES = {"account:read": "read the account", "account:write": "manage keys"}
# Guessing secrets is what must be slow.
LIMITS = (
    Policy("sign-in", 20),
    Policy("sign-in-address", 120),
    # Each way in has a count of its own, so that a stranger using one up leaves the others.
    Policy("passkey-address", 120),
    Policy("password-reset-address", 120),
    Policy("sign-up", 120),
    Policy("password-reset", 5, window_s=3600),
    Policy("address-code", 5, window_s=3600),
    Policy("erasure-link-address", 120),
    Policy("erasure-link", 5, window_s=3600),
)
MAILS_AT_ONCE = 8
MAILS = (PasswordResetMail, AddressCodeMail, ErasureLinkMail, SecurityNoticeMail)
# Paths of the owner's requests that hash a password.
HASHING = (
    "/api/me",
    "/api/me/(?:password|proof|passkeys|second-factor)(?:/.*)?",
    "/account/(?:password|delete)",
    "/account/keys(?:/.*)?",
    "/account/security/.*",
)
# The doors that strangers use: name, method and paths.
DOORS = (
    ("sign-up", "POST", ("/api/accounts", "/sign-up")),
    ("sign-in", "POST", ("/api/sessions", "/sign-in")),
    ("reset", "PUT", ("/api/password-resets",)),
    ("reset", "POST", ("/reset-password/.*",)),
)
# These answer after a quarter of a second, whatever there is to do.
MAILED = ("/api/password-resets", "/forgot-password", "/api/erasures", "/forget-me")


@dataclass(frozen=True, slots=True)
class AccountCommands:
    """The commands of the area, for routes, pages and the command line alike."""

    accounts: Accounts
    signing_up: SigningUp
    erasures: Erasures
    party_erasures: PartyErasures
    logins: Logins
    people: People
    sessions: Sessions
    signing_in: SigningIn
    signing_out: SigningOut
    second_factors: SecondFactors
    passkeys: Passkeys
    recovery: Recovery
    keys: Keys
    proofs: Proofs
    address_codes: AddressCodes
    authenticated: Authenticate
    proven: Proven
    verified: RequireVerifiedAddress
    hashing: FairQueue


def commands_of(
    core: Core, gathered: Gathered, limits: RateLimits | None = None
) -> AccountCommands:
    """The commands over one core; `gathered` says the scopes that keys may hold."""
    from commands.account.accounts import Accounts, SigningUp
    from commands.account.address_codes_http import RequireVerifiedAddress
    from commands.account.authentication import Credentials
    from commands.account.erasures import Erasures
    from commands.account.keys import Keys
    from commands.account.logins import Logins
    from commands.account.parties import Parties
    from commands.account.party_erasures import PartyErasures
    from commands.account.passkeys import Passkeys
    from commands.account.passwords import Passwords, PasswordsBusy
    from commands.account.people import People
    from commands.account.proofs import Proofs
    from commands.account.recovery import Recovery
    from commands.account.refused_sign_ins import RefusedSignIns
    from commands.account.repeats import Repeats
    from commands.account.second_factor import SecondFactors
    from commands.account.sessions import Sessions
    from commands.account.signing_in import SigningIn
    from commands.account.signing_out import SigningOut
    from kit.auth import Authenticate
    from kit.backoff import Backoff
    from kit.fair import FairQueue
    from kit.limits import RateLimits
    from kit.proof import Proven
    from kit.tokens import Signer
    from runtime.mailing import address_codes

    settings = core.settings
    signer = Signer(settings.secrets.signing_key, settings.secrets.retired_signing_keys)
    limits = limits or RateLimits(core.pool, gathered.limits.values())
    hashing = FairQueue(settings.passwords_at_once, busy=PasswordsBusy)
    logins = Logins(core.pool, settings.secrets.installation_key)
    passwords = Passwords(hashing)
    sessions = Sessions(core.commands, logins, signer, settings.session_life)
    backoff = Backoff(core.pool, sessions.devices.known)
    second_factors = SecondFactors(core.commands, logins, backoff, signer)
    proofs = Proofs(core.pool, logins, passwords, second_factors, backoff)
    keys, codes = Keys(core.commands, core.pool, gathered.scopes), address_codes(core)
    repeats = Repeats(core.pool, passwords, settings.secrets.installation_key)
    accounts = Accounts(core.commands, logins, passwords, sessions, proofs, keys, repeats, codes)
    erasures = Erasures(core.commands, logins, core.pool)
    parties = Parties(core.commands, logins)
    credentials = Credentials(sessions, core.pool, two_factors=settings.operators_need_two_factors)
    authenticated = Authenticate(credentials, limits)
    return AccountCommands(
        accounts=accounts,
        signing_up=SigningUp(accounts, backoff, limits),
        erasures=erasures,
        party_erasures=PartyErasures(core.commands, logins, parties, erasures, limits),
        logins=logins,
        people=People(logins, codes.is_verified),
        sessions=sessions,
        signing_in=SigningIn(
            *(sessions, logins, passwords, second_factors, backoff, limits, signer),
            RefusedSignIns(core.commands),
        ),
        signing_out=SigningOut(core.commands, logins),
        second_factors=second_factors,
        passkeys=Passkeys(core.commands, logins),
        recovery=Recovery(core.commands, logins, passwords, keys, limits),
        keys=keys,
        proofs=proofs,
        address_codes=codes,
        authenticated=authenticated,
        proven=Proven(authenticated, proofs.refusal),
        verified=RequireVerifiedAddress(authenticated, codes),
        hashing=hashing,
    )


def access_by(core: Core, commands: AccountCommands) -> Access:
    return Access(
        commands=commands,
        authenticated=commands.authenticated,
        proven=commands.proven,
        account=_account_of(commands.authenticated),
        is_verified=commands.address_codes.is_verified,
        sign_out=commands.signing_out.by_email,
        is_erased=partial(is_erased, core),
        find_person=commands.people.find,
    )


def is_erased(core: Core, account_id: str) -> bool:
    """Whether the account was erased, from the store."""
    from aggregates.account import account

    found = core.commands.load(account, account_id, fresh=True).state
    return found is not None and found.erased


def _serve(serving: Serving, access: Access, exports: Mapping[str, Export]) -> Served:
    from commands.account import (
        accounts,
        address_codes_http,
        erasures,
        keys,
        party_erasures,
        passkeys_http,
        proofs_http,
        recovery,
        second_factor_http,
        sessions,
        signing_in,
        signing_out,
    )
    from read_api.account import accounts_http, erasures_http
    from read_api.account.accounts import AccountQueries
    from read_api.account.erasures import ErasureQueries
    from read_api.account.sign_ins import SignInQueries
    from web.pages.account import (
        account,
        confirm,
        entrance,
        erasure,
        forget_me,
        forgotten,
        home,
        security,
        session,
    )
    from web.pages.account.tools import AccountTools

    commands: AccountCommands = access.commands
    core, limits, authenticated = serving.core, serving.limits, access.authenticated
    public_url, progress = core.settings.public_url, core.progress
    profile = AccountQueries(core.pool, exports, test_mode=core.settings.test_mode)
    erasing = ErasureQueries(core.pool, progress.all)
    sign_ins = SignInQueries(core.log.events.stream)
    tools = AccountTools(
        renderer=serving.renderer,
        authenticated=authenticated,
        progress=progress,
        limits=limits,
        accounts=commands.accounts,
        signing_up=commands.signing_up,
        erasures=commands.erasures,
        party_erasures=commands.party_erasures,
        sessions=commands.sessions,
        signing_in=commands.signing_in,
        second_factors=commands.second_factors,
        passkeys=commands.passkeys,
        recovery=commands.recovery,
        keys=commands.keys,
        proofs=commands.proofs,
        address_codes=commands.address_codes,
        email_key_of=commands.logins.email_key_of,
        profile=profile,
        erasing=erasing,
        sign_ins=sign_ins,
    )
    pages = (entrance, forgotten, forget_me, account, confirm, security, session, erasure)
    return Served(
        routers=(
            accounts.router(commands.signing_up, commands.sessions),
            accounts.password_router(commands.accounts, commands.sessions, authenticated, limits),
            erasures.router(commands.erasures, commands.proofs, authenticated, limits),
            party_erasures.router(commands.party_erasures),
            address_codes_http.router(
                commands.address_codes, commands.logins.email_key_of, authenticated, limits
            ),
            proofs_http.router(
                commands.proofs, commands.passkeys, authenticated, limits, public_url
            ),
            sessions.router(commands.sessions, authenticated, access.proven),
            signing_in.router(commands.signing_in, commands.sessions),
            signing_out.router(commands.signing_out, authenticated),
            second_factor_http.router(
                *(commands.second_factors, commands.proofs, commands.sessions),
                *(authenticated, limits),
            ),
            passkeys_http.router(
                *(commands.passkeys, commands.proofs, commands.sessions),
                *(authenticated, limits, public_url),
            ),
            recovery.router(commands.recovery, commands.sessions.devices),
            keys.router(commands.keys, authenticated, access.proven),
            accounts_http.router(authenticated, progress, profile, sign_ins),
            erasures_http.router(erasing, progress, limits),
        ),
        pages=[page.router(tools) for page in pages],
        costly=tuple(_costly(access, commands)),
        home=home.part(commands.address_codes.is_verified),
        commands=commands,
        queries={"accounts": profile},
    )


def _costly(access: Access, commands: AccountCommands) -> Iterator[Costly]:
    """Requests that hash a password or send a mail."""
    from kit.fair import FairQueue
    from kit.turns import passing

    devices = commands.sessions.devices
    for door, methods, paths in DOORS:
        yield from passing(commands.hashing, _crowd_of(door, devices), methods, *paths)
    # A mail may take seconds: nobody has all slots.
    mailing = FairQueue(MAILS_AT_ONCE, each=MAILS_AT_ONCE // 2)
    yield from passing(mailing, _crowd_of("mail", devices), "POST", *MAILED)
    yield from passing(commands.hashing, access.account, "POST PUT DELETE", *HASHING)


def _account_of(authenticated: Authenticate) -> SubjectOf:
    async def account(request: Request) -> str | None:
        caller = await authenticated.who(request)
        return None if caller is None else caller.account_id

    return account


def _crowd_of(door: str, devices: Devices) -> SubjectOf:
    """Each door has a line of its own: who floods the sign-up does not hold up the sign-in."""

    async def crowd(request: Request) -> str:
        return f"{door} {devices.crowd(request)}"

    return crowd


def _work(working: Working) -> Iterable[Effect]:
    from runtime.erasure import effects_of
    from runtime.mailing import mail_effects

    erasing = effects_of(working.core, working.contents, working.consumers)
    return (*erasing, *mail_effects(working.core))


def _sections() -> Sequence[Section]:
    from web.pages.account.sections import SECTIONS

    return SECTIONS


def _words(gathered: Gathered) -> Words:
    from web.pages.account.words import allowed
    from web.render import Words

    return Words({"allowed": partial(allowed, known=gathered.scopes)})


def _empties(core: Core) -> Contents:
    from commands.account.leftovers import Leftovers

    return Leftovers(core.pool)


AREA = Area(
    name="account",
    categories={
        "account": Category(Erased.UNREADABLE, told=True),
        "key": Category(Erased.UNREADABLE, told=True),
        "workspace": Category(Erased.UNREADABLE, told=True),
        "party": Category(Erased.UNREADABLE, told=False),
        "subject": Category(Erased.NOTHING_PERSONAL, told=False),
        "erasure": Category(Erased.NOTHING_PERSONAL, told=False),
        "erasing": Category(Erased.NOTHING_PERSONAL, told=False),
    },
    scopes=SCOPES,
    limits=LIMITS,
    views=(AccountsView, ErasuresView),
    sagas=(ERASURE,),
    handlers=HANDLERS,
    effects=(
        EffectGroup("erasure-effects", (EraseContentsEffect, DestroyKeyEffect, CertifyEffect)),
        EffectGroup("mail-effects", MAILS),
    ),
    sections=_sections,
    words=_words,
    # The document's own head says the account.
    export=lambda core, cursors: {},
    empties=_empties,
    serve=_serve,
    work=_work,
)

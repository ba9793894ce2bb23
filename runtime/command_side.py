"""What changes things put together: every handler of commands, over one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commands.account.accounts import Accounts, SigningUp
from commands.account.address_codes import AddressCodes, RequireVerifiedAddress
from commands.account.authentication import Credentials
from commands.account.erasures import Erasures
from commands.account.keys import Keys
from commands.account.logins import Logins
from commands.account.passkeys import Passkeys
from commands.account.passwords import Passwords
from commands.account.proofs import Proofs
from commands.account.recovery import Recovery
from commands.account.refused_sign_ins import RefusedSignIns
from commands.account.repeats import Repeats
from commands.account.second_factor import SecondFactors
from commands.account.sessions import Sessions
from commands.account.signing_in import SigningIn
from commands.account.signing_out import SigningOut
from commands.system.operations import Operations
from commands.vault.analyses import Analyses
from commands.vault.assets import Assets
from commands.vault.bulk import Bulk
from commands.vault.collections import Collections
from commands.vault.comments import Comments
from commands.vault.direct import DirectUploads
from commands.vault.quota import Quota
from commands.vault.rewriting import Rewriting
from commands.vault.staging import Staging
from commands.vault.uploads import Uploads
from gateways.audio.pool import AudioPool
from kit.auth import Authenticate
from kit.backoff import Backoff
from kit.limits import POLICIES, Policy, RateLimits
from kit.proof import Proven
from kit.tokens import Signer
from processors.system.operating import Operating
from read_api.vault.reanalyses import ReanalysisQueries
from read_api.vault.search.saved import canonical
from runtime.composition import Core
from runtime.consumers import SAGAS
from runtime.costly import Queues
from runtime.mailing import address_codes
from runtime.query_side import storage


@dataclass(frozen=True, slots=True)
class CommandSide:
    """What changes things, for the API's routes, the pages and the command line alike."""

    accounts: Accounts
    signing_up: SigningUp
    erasures: Erasures
    sessions: Sessions
    signing_in: SigningIn
    signing_out: SigningOut
    second_factors: SecondFactors
    passkeys: Passkeys
    recovery: Recovery
    keys: Keys
    assets: Assets
    bulk: Bulk
    analyses: Analyses
    collections: Collections
    comments: Comments
    uploads: Uploads
    direct: DirectUploads
    rewriting: Rewriting
    operations: Operations
    limits: RateLimits
    authenticated: Authenticate
    queues: Queues
    proofs: Proofs
    proven: Proven
    address_codes: AddressCodes
    email_key_of: Callable[[str], str]
    verified: RequireVerifiedAddress


def command_side(core: Core, *policies: Policy) -> CommandSide:
    """`policies` replace the rate limits of the same name."""
    settings = core.settings
    signer = Signer(settings.secrets.signing_key, settings.secrets.retired_signing_keys)
    logins = Logins(core.pool, settings.secrets.installation_key)
    queues = Queues.of(settings)
    passwords = Passwords(queues.passwords)
    sessions = Sessions(core.commands, logins, signer, settings.session_life)
    backoff = Backoff(core.pool, sessions.devices.known)
    second_factors = SecondFactors(core.commands, logins, backoff, signer)
    proofs = Proofs(core.pool, logins, passwords, second_factors, backoff)
    keys = Keys(core.commands, core.pool)
    codes = address_codes(core)
    staging = Staging(core.objects, settings.max_upload_bytes)
    quota = Quota(storage(core).usage)
    assets = Assets(core.commands, core.objects, staging, quota, queues.files)
    uploads = Uploads(core.pool, staging, assets)
    two_factors = settings.operators_need_two_factors
    credentials = Credentials(sessions, core.pool, two_factors=two_factors)
    limits = RateLimits(core.pool, (*POLICIES, *policies))
    authenticated = Authenticate(credentials, limits)
    accounts = Accounts(
        core.commands,
        logins,
        passwords,
        sessions,
        proofs,
        keys,
        Repeats(core.pool, passwords, settings.secrets.installation_key),
        codes,
    )
    return CommandSide(
        accounts=accounts,
        signing_up=SigningUp(accounts, backoff, limits),
        address_codes=codes,
        email_key_of=logins.email_key_of,
        verified=RequireVerifiedAddress(authenticated, codes),
        erasures=Erasures(core.commands, logins, core.pool),
        sessions=sessions,
        signing_in=SigningIn(
            sessions,
            logins,
            passwords,
            second_factors,
            backoff,
            limits,
            signer,
            RefusedSignIns(core.commands),
        ),
        signing_out=SigningOut(core.commands, logins),
        second_factors=second_factors,
        passkeys=Passkeys(core.commands, logins),
        recovery=Recovery(core.commands, logins, passwords, keys, limits),
        keys=keys,
        assets=assets,
        bulk=Bulk(core.commands, assets),
        collections=Collections(core.commands, canonical),
        analyses=Analyses(core.commands, ReanalysisQueries(core.pool).choose),
        comments=Comments(core.commands),
        uploads=uploads,
        direct=DirectUploads(uploads, core.objects),
        # Its children start when they are first asked, and end with this process.
        rewriting=Rewriting(core.commands, assets, core.objects, AudioPool(), quota),
        operations=Operations(Operating(SAGAS, core.log, core.pool, core.codec)),
        limits=limits,
        queues=queues,
        authenticated=authenticated,
        proofs=proofs,
        proven=Proven(authenticated, proofs.refusal),
    )

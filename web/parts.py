"""What pages are made over: the commands and queries of the API, from the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commands.account.accounts import Accounts, SigningUp
from commands.account.address_codes import AddressCodes
from commands.account.erasures import Erasures
from commands.account.keys import Keys
from commands.account.passkeys import Passkeys
from commands.account.proofs import Proofs
from commands.account.recovery import Recovery
from commands.account.second_factor import SecondFactors
from commands.account.sessions import Sessions
from commands.account.signing_in import SigningIn
from commands.account.signing_out import SigningOut
from commands.system.operations import Operations
from commands.vault.analyses import Analyses
from commands.vault.assets import Assets
from commands.vault.collections import Collections
from commands.vault.comments import Comments
from commands.vault.rewriting import Rewriting
from kit.auth import Authenticate
from kit.limits import RateLimits
from kit.positions import Progress
from read_api.account.accounts import AccountQueries
from read_api.account.erasures import ErasureQueries
from read_api.account.sign_ins import SignInQueries
from read_api.system.sagas import SagaQueries
from read_api.system.system import SystemQueries
from read_api.system.timeline import TimelineQueries
from read_api.vault.analyses import AnalysisQueries
from read_api.vault.assets import AssetQueries
from read_api.vault.collections import CollectionQueries
from read_api.vault.comments import CommentQueries
from read_api.vault.media import AssetMedia
from read_api.vault.queue import Queue
from read_api.vault.reanalyses import ReanalysisQueries
from read_api.vault.storage import StorageQueries
from web.render import Renderer


@dataclass(frozen=True, slots=True)
class Parts:
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
    proofs: Proofs
    address_codes: AddressCodes
    email_key_of: Callable[[str], str]
    assets: Assets
    rewriting: Rewriting
    collecting: Collections
    collections: CollectionQueries
    comments: Comments
    storage: StorageQueries
    limits: RateLimits
    authenticated: Authenticate
    progress: Progress
    vault: AssetQueries
    said: CommentQueries
    timeline: TimelineQueries
    profile: AccountQueries
    erasing: ErasureQueries
    media: AssetMedia
    reports: AnalysisQueries
    reanalyses: ReanalysisQueries
    queue: Callable[[], Queue]
    measuring: Analyses
    system: SystemQueries
    sagas: SagaQueries
    sign_ins: SignInQueries
    operations: Operations
    renderer: Renderer

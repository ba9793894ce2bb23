"""What pages are made over: the commands and queries of the API, from the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commands.accounts import Accounts, SigningUp
from commands.address_codes import AddressCodes
from commands.analyses import Analyses
from commands.assets import Assets
from commands.collections import Collections
from commands.comments import Comments
from commands.erasures import Erasures
from commands.keys import Keys
from commands.operations import Operations
from commands.passkeys import Passkeys
from commands.proofs import Proofs
from commands.recovery import Recovery
from commands.rewriting import Rewriting
from commands.second_factor import SecondFactors
from commands.sessions import Sessions
from commands.signing_in import SigningIn
from commands.signing_out import SigningOut
from kit.auth import Authenticate
from kit.limits import RateLimits
from kit.positions import Progress
from read_api.accounts import AccountQueries
from read_api.analyses import AnalysisQueries
from read_api.assets import AssetQueries
from read_api.collections import CollectionQueries
from read_api.comments import CommentQueries
from read_api.erasures import ErasureQueries
from read_api.media import AssetMedia
from read_api.queue import Queue
from read_api.reanalyses import ReanalysisQueries
from read_api.sagas import SagaQueries
from read_api.sign_ins import SignInQueries
from read_api.storage import StorageQueries
from read_api.system import SystemQueries
from read_api.timeline import TimelineQueries
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

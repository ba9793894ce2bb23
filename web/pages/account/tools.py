"""Tools of the pages of people and their workspaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commands.account.accounts import Accounts, SigningUp
from commands.account.address_codes import AddressCodes
from commands.account.erasures import Erasures
from commands.account.keys import Keys
from commands.account.party_erasures import PartyErasures
from commands.account.passkeys import Passkeys
from commands.account.proofs import Proofs
from commands.account.recovery import Recovery
from commands.account.second_factor import SecondFactors
from commands.account.sessions import Sessions
from commands.account.signing_in import SigningIn
from read_api.account.accounts import AccountQueries
from read_api.account.erasures import ErasureQueries
from read_api.account.sign_ins import SignInQueries
from web.tools import PageTools


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTools(PageTools):
    accounts: Accounts
    signing_up: SigningUp
    erasures: Erasures
    party_erasures: PartyErasures
    sessions: Sessions
    signing_in: SigningIn
    second_factors: SecondFactors
    passkeys: Passkeys
    recovery: Recovery
    keys: Keys
    proofs: Proofs
    address_codes: AddressCodes
    email_key_of: Callable[[str], str]
    profile: AccountQueries
    erasing: ErasureQueries
    sign_ins: SignInQueries

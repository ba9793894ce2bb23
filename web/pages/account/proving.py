"""The question whether it is still the owner: asked in front of what harms most.

Then what was sent goes on by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Form, Request, Response
from pydantic import SecretStr

from commands.account.proofs import GivenProof
from kit.caller import Caller, Proof
from schemas.errors import NoCultureError
from web.forms import Typed
from web.pages.account.tools import AccountTools
from web.troubles import of_password
from web.visitor import Visitors

Fields = dict[str, str | Sequence[str]]


class Proving:
    """`author` is the dependency of a form's handler, `asked` its first line."""

    def __init__(self, tools: AccountTools) -> None:
        self._tools, self._visitors = tools, Visitors(tools)

    def author(
        self,
        request: Request,
        csrf_token: Annotated[Typed, Form()] = "",
        proof_password: Annotated[Typed, Form()] = "",
        proof_code: Annotated[Typed, Form()] = "",
    ) -> Caller:
        """For forms that change what harms most; takes the proof that the page here asks for.

        Raises as `Visitors.with_token` does.
        """
        caller = self._visitors.with_token(request, csrf_token)
        if not (proof_password or proof_code):
            return caller
        given = given_of(proof_password, proof_code)
        try:
            self._tools.limits.check(request, "sign-in", caller.account_id)
            proof = self._tools.proofs.give(caller, given)
        except NoCultureError as error:
            request.state.proof_problem = error
            return caller
        return replace(caller, proof=max(caller.proof, proof))

    def asked(
        self, request: Request, caller: Caller, needs: Proof, fields: Fields | None = None
    ) -> Response | None:
        """The page that asks for a proof and sends `fields` once more; None if it is not needed."""
        problem: NoCultureError | None = getattr(request.state, "proof_problem", None)
        if problem is None and caller.proof >= needs:
            return None
        return self.page(request, caller, needs, fields or {}, problem)

    def page(
        self,
        request: Request,
        caller: Caller,
        needs: Proof,
        fields: Fields,
        problem: NoCultureError | None = None,
    ) -> Response:
        ways = self._tools.proofs.ways(caller, needs)
        repeated = [
            (name, value)
            for name, values in fields.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        response = self._tools.renderer.page(
            request,
            "account/confirm.html",
            problem.status if problem else 403,
            ways=ways,
            fields=repeated,
            problem=of_password(problem) if problem else None,
        )
        # The page's script asks over the page itself, so that nothing is lost.
        response.headers["NoCulture-Problem"] = "proof-needed"
        response.headers["Cache-Control"] = "no-store"
        return response


def given_of(password: str, code: str) -> GivenProof:
    return GivenProof(
        password=SecretStr(password[:1000]) if password else None,
        code=SecretStr(code[:40]) if code else None,
    )

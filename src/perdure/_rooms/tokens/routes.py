"""Tokens, for administrators."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from perdure._http.authorisation import needs
from perdure._http.errors import ANSWERS
from perdure._http.models import MadeToken, TokenModel
from perdure._http.routers import ApiRouter
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._rooms.tokens.store import Tokens

router = ApiRouter(prefix="/tokens", tags=["tokens"], responses=ANSWERS)


def _tokens(request: Request) -> Tokens:
    found: Tokens = request.app.state.tokens
    return found


Kept = Annotated[Tokens, Depends(_tokens)]


class NewToken(BaseModel):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100)
    scope: Scope
    expires_seconds: int | None = Field(default=None, ge=1, le=100 * 366 * 86_400)


@router.get("")
@needs(Scope.ADMIN)
def tokens(kept: Kept) -> list[TokenModel]:
    """All tokens, oldest first."""
    return [TokenModel.of(token) for token in kept.all()]


@router.post("", status_code=201)
@needs(Scope.ADMIN)
def create(new: NewToken, kept: Kept) -> MadeToken:
    """Make a token."""
    now = system_clock()
    expires = None if new.expires_seconds is None else now + new.expires_seconds * 1_000_000
    text, token = kept.create(new.name, new.scope, now, expires)
    return MadeToken(token=text, **TokenModel.of(token).model_dump())


@router.delete("/{called}")
@needs(Scope.ADMIN)
def revoke(called: str, kept: Kept, request: Request) -> list[TokenModel]:
    """Revoke every valid token of a name or public part, and the sessions that began with them."""
    revoked = kept.revoke(called, system_clock())
    request.app.state.gate.forget()
    return [TokenModel.of(token) for token in revoked]


ROUTERS = (router,)

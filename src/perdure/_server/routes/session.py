"""Sessions of the page: it sends a token once, and then a cookie that no script can read."""

from datetime import datetime
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.exceptions import HTTPException

from perdure._http.authorisation import COOKIE, caller_of, csrf_of, needs
from perdure._http.dependencies import Config
from perdure._http.models import time_of
from perdure._http.routers import ApiRouter
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope

router = ApiRouter(prefix="/session", tags=["session"])


class Login(BaseModel):
    """The token that begins a session."""

    token: SecretStr = Field(max_length=200)


class SessionModel(BaseModel):
    """The caller, and what it may do."""

    name: str | None = Field(description="The token's scope; null if no authentication is required.")
    scope: Scope
    expires: datetime | None
    csrf: str | None = Field(description="What requests of a session that change something send in `X-CSRF-Token`.")
    runs_flows: bool = Field(description="Whether the server resumes and reruns flows itself: `--run-flows`.")
    serves_values: bool = Field(description="Whether the server serves the bytes of results: `--serve-values`.")


@router.post("")
@needs(Scope.READ)
def login(given: Login, request: Request, response: Response, config: Config) -> SessionModel:
    """Begin a session with a token."""
    tokens, now, limits = request.app.state.tokens, system_clock(), request.app.state.logins
    address = request.client.host if request.client else ""
    token = tokens.find(given.token.get_secret_value(), now)
    if token is None or token.parent_id is not None:
        if not limits.take(address):
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong tokens came from this address.")
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "The token is not known here, has expired or was revoked.")
    ends = now + config.session_seconds * 1_000_000
    text, session = tokens.begin_session(token, now, ends if token.expires is None else min(ends, token.expires))
    response.set_cookie(
        COOKIE,
        text,
        max_age=config.session_seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return SessionModel(
        name=token.name,
        scope=token.scope,
        expires=time_of(session.expires),
        csrf=csrf_of(text),
        runs_flows=config.runs_flows,
        serves_values=config.serve_values,
    )


@router.get("")
@needs(Scope.READ)
def session(request: Request, config: Config) -> SessionModel:
    """Who asks."""
    caller = caller_of(request)
    token = caller.token
    return SessionModel(
        name=token.name if token else None,
        scope=caller.scope,
        expires=time_of(token.expires) if token else None,
        csrf=caller.csrf,
        runs_flows=config.runs_flows,
        serves_values=config.serve_values,
    )


@router.delete("", status_code=204)
@needs(Scope.READ)
def logout(request: Request, response: Response) -> None:
    """End the session of the cookie. It does not affect a token in the header."""
    caller = caller_of(request)
    if caller.token is not None and caller.token.parent_id is not None:
        request.app.state.tokens.end(caller.token, system_clock())
        request.app.state.gate.forget()
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")

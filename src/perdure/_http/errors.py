"""Errors as answers: always `{"error": {"kind", "message"}}`, with the status that fits."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from perdure._http.launcher import NotStarted
from perdure._model.errors import (
    DeploymentMissing,
    OrchestratorError,
    OrchestratorUnreachable,
    PerdureError,
    ProtocolMismatch,
    RecordRefused,
    ResultMissing,
    RunMissing,
    SteeringError,
    reasons,
)


class Problem(BaseModel):
    """What went wrong."""

    kind: str
    message: str
    command: str | None = Field(default=None, description="What does by hand what the server would not.")


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: Problem


# Of a model, FastAPI would make a validator for each status of each route: 1 s of a server's start.
SHAPE = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}}}}


class Refused(PerdureError):
    """What was asked for is not allowed here."""


_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (  # the first that fits
    (RunMissing, HTTPStatus.NOT_FOUND),
    (ResultMissing, HTTPStatus.NOT_FOUND),
    (DeploymentMissing, HTTPStatus.NOT_FOUND),
    (ProtocolMismatch, HTTPStatus.UPGRADE_REQUIRED),
    (OrchestratorUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (RecordRefused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (OrchestratorError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (Refused, HTTPStatus.FORBIDDEN),
    (SteeringError, HTTPStatus.CONFLICT),
    (NotStarted, HTTPStatus.CONFLICT),
    (LookupError, HTTPStatus.NOT_FOUND),
    (PerdureError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def answers(*more: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The errors that a route may answer with, for its description: those that any may, and these."""
    common = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
    return {int(status): {**SHAPE, "description": status.phrase} for status in (*common, *more)}


ANSWERS = answers(HTTPStatus.NOT_FOUND)


def answer(status: int, kind: str, message: str, **details: object) -> JSONResponse:
    """An error as an answer."""
    said = message.encode("utf-8", "replace").decode()
    return JSONResponse({"error": {"kind": kind, "message": said, **details}}, status)


def status_of(error: PerdureError) -> HTTPStatus:
    """The status that fits an error of ours."""
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def answer_of(error: PerdureError) -> JSONResponse:
    """One of Perdure's own errors as an answer."""
    details = {} if (command := getattr(error, "command", None)) is None else {"command": command}
    return answer(status_of(error), type(error).__name__, str(error), **details)


def explain_errors(app: FastAPI) -> None:
    """Have the application answer every error in the same shape."""

    @app.exception_handler(PerdureError)
    def _of_ours(_: Request, error: PerdureError) -> JSONResponse:
        return answer_of(error)

    @app.exception_handler(RequestValidationError)
    def _of_the_request(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidRequest", reasons(error))

    @app.exception_handler(UnicodeEncodeError)
    def _of_text(_: Request, error: UnicodeEncodeError) -> JSONResponse:
        # A text of a request that has come as far as to a database: most are looked at before.
        message = f"A text has half of a surrogate pair, {error.object[error.start]!a}, which no database keeps."
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidRequest", message)

    @app.exception_handler(HTTPException)
    def _of_http(_: Request, error: HTTPException) -> JSONResponse:
        kind = HTTPStatus(error.status_code).phrase.replace(" ", "")
        response = answer(error.status_code, kind, str(error.detail))
        response.headers.update(error.headers or {})
        return response

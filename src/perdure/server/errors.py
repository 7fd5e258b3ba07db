"""Errors as answers: always `{"error": {"kind", "message"}}`, with the status that fits."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from perdure.core.errors import OrchestratorError, OrchestratorUnreachable, PerdureError, reasons


class Problem(BaseModel):
    """What went wrong."""

    kind: str
    message: str


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: Problem


class NotFound(PerdureError, LookupError):
    """Nothing has the id that was asked for."""


_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (  # the first that fits
    (OrchestratorUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (OrchestratorError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (LookupError, HTTPStatus.NOT_FOUND),
    (PerdureError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
ANSWERS = {int(status): {"model": ErrorAnswer} for status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)}


def answer(status: int, kind: str, message: str) -> JSONResponse:
    """An error as an answer."""
    return JSONResponse({"error": {"kind": kind, "message": message}}, status)


def answer_of(error: PerdureError) -> JSONResponse:
    """One of Perdure's own errors as an answer."""
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    return answer(status, type(error).__name__, str(error))


def explain_errors(app: FastAPI) -> None:
    """Have the application answer every error in the same shape."""

    @app.exception_handler(PerdureError)
    def _of_ours(_: Request, error: PerdureError) -> JSONResponse:
        return answer_of(error)

    @app.exception_handler(RequestValidationError)
    def _of_the_request(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidRequest", reasons(error))

    @app.exception_handler(HTTPException)
    def _of_http(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, HTTPStatus(error.status_code).phrase.replace(" ", ""), str(error.detail))

"""Errors in HTTP: one table of statuses, two shapes of bodies."""

from __future__ import annotations

from aiohttp import web

from .. import errors
from ..catalogue.model_card import ModelCardUnknownError
from ..errors import BadRequestError, HardenedError
from ..hub import errors as hub_errors
from ..speech.choices import errors as preset_errors
from ..store.damage_mark import NoCopyError
from ..voices.offer.samples import SampleUnknownError
from .bodies.shapes import Error, ErrorBody, OpenAIError, OpenAIErrorBody
from .endpoint import json_answer

_STATUS: dict[type[HardenedError], int] = {
    errors.HardenedError: 500,
    errors.RequestError: 400,
    errors.AccessError: 403,
    errors.TokenError: 401,
    errors.RequestTimeoutError: 408,
    errors.RequestTooLargeError: 413,
    errors.TextTooLongError: 413,
    errors.AudioTooLongError: 413,
    errors.VoiceNotFoundError: 404,
    errors.SpeakerNotFoundError: 404,
    errors.IssueNotFoundError: 404,
    errors.WordNotFoundError: 404,
    errors.DictionaryChangedError: 409,
    errors.DictionaryRefusedError: 409,
    preset_errors.PresetNotFoundError: 404,
    preset_errors.PresetExistsError: 409,
    preset_errors.PresetNameError: 409,
    preset_errors.PresetNameTakenError: 409,
    preset_errors.PresetFixedError: 409,
    preset_errors.TooManyPresetsError: 409,
    preset_errors.PresetsTooLargeError: 409,
    errors.PhonemizerError: 503,
    errors.ManualActionRequiredError: 409,
    errors.SynthesisError: 422,
    errors.TextQuarantinedError: 422,
    errors.TooManyRequestsError: 429,
    errors.OverloadedError: 429,
    errors.TooManyConnectionsError: 503,
    errors.ShuttingDownError: 503,
    errors.DeadlineError: 503,
    errors.VoiceUnavailableError: 503,
    errors.VoiceInstallingError: 503,
    errors.VoiceError: 422,
    errors.NotInstalledError: 404,
    errors.JobCancelledError: 409,
    NoCopyError: 409,
    ModelCardUnknownError: 404,
    SampleUnknownError: 404,
    errors.VoiceWatchedError: 409,
    errors.NoSpaceError: 507,
    errors.StoreError: 507,
    hub_errors.DownloadError: 502,
    hub_errors.OfflineError: 409,
    hub_errors.RateLimitedError: 503,
}
"""An error that is not here has the status of the next class above it in the tree."""

_RETRY_AFTER: dict[type[HardenedError], int] = {
    errors.HardenedError: 10,
    errors.OverloadedError: 2,
    errors.VoiceUnavailableError: 30,
    hub_errors.DownloadError: 60,
}
"""Seconds, for errors that may pass."""

_FIRST_SERVER_ERROR = 500
_STATUS_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class NotFoundError(errors.RequestError):
    """There is no such address."""

    code = "not-found"


class MethodNotAllowedError(errors.RequestError):
    """The address exists, but not with this method; `allowed` are those it has."""

    code = "method-not-allowed"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


_STATUS[NotFoundError] = 404
_STATUS[MethodNotAllowedError] = 405


def status_of(err: HardenedError) -> int:
    """Return the HTTP status of an error."""
    return next(_STATUS[kind] for kind in type(err).__mro__ if kind in _STATUS)


def response(err: HardenedError, *, like_openai: bool) -> web.Response:
    """Return the answer that reports an error."""
    status = status_of(err)
    body = openai_body(err) if like_openai else _own(err)
    answer = json_answer(body, status)
    if err.retryable:
        kinds = type(err).__mro__
        seconds = next(_RETRY_AFTER[kind] for kind in kinds if kind in _RETRY_AFTER)
        answer.headers["Retry-After"] = str(seconds)
    if isinstance(err, MethodNotAllowedError):
        answer.headers["Allow"] = err.allowed
    if isinstance(err, errors.TokenError):
        # A browser asks its user for a password then, which is the token, and keeps sending it.
        answer.headers.add("WWW-Authenticate", 'Basic realm="voices", charset="UTF-8"')
        answer.headers.add("WWW-Authenticate", "Bearer")
    return answer


def translated(err: web.HTTPException, request: web.Request) -> HardenedError | None:
    """Return our error for an exception of aiohttp; ``None`` for those that are answers."""
    path = request.rel_url.raw_path[:100]
    match err:
        case web.HTTPNotFound():
            return NotFoundError(f"there is no {path}; openapi.json lists what there is")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(err.allowed_methods))
            message = f"{path} takes {allowed}, not {request.method[:20]}"
            return MethodNotAllowedError(message, allowed)
        case web.HTTPRequestEntityTooLarge():
            return errors.RequestTooLargeError("the request has more bytes than any needs")
        case web.HTTPException() if err.status >= 400:  # noqa: PLR2004 - where errors begin
            return BadRequestError(f"the request cannot be understood: {err.reason}")
        case _:
            return None


def _own(err: HardenedError) -> ErrorBody:
    return ErrorBody(Error(err.code, str(err), err.retryable))


def openai_body(err: HardenedError) -> OpenAIErrorBody:
    """Return the body of an error as OpenAI's clients know it."""
    status = status_of(err)
    kind = "server_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    return OpenAIErrorBody(
        OpenAIError(
            message=str(err),
            type=_STATUS_TYPES.get(status, kind),
            param=err.field if isinstance(err, BadRequestError) else None,
            code=err.code,
        )
    )

"""Calls to a server from actions, buttons and updates, with the errors of Home Assistant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .client import (
    Action,
    CannotConnectError,
    ClientError,
    FinishedJob,
    InvalidAuthError,
    ReadOnlyError,
    ServerError,
)
from .const import DOMAIN
from .coordinator import JobLostError, PiperHardenedCoordinator, check_outcome

_WRONG_USE = frozenset({400, 404, 409, 413})
"""Statuses of HTTP for what the caller can do better."""

_KNOWN = {
    "voice-not-installed": "voice_not_installed",
    "voice-not-found": "voice_not_found",
    "no-space": "no_space",
    "offline": "offline",
    "overloaded": "overloaded",
    "too-many-requests": "overloaded",
    "voice-unavailable": "voice_unavailable",
}
"""Translations of what a user can act on, by the server's code."""


def translated(err: ClientError) -> HomeAssistantError:
    """Return the error to raise for one of the client."""
    kind: type[HomeAssistantError] = HomeAssistantError
    placeholders = {"message": str(err)}
    match err:
        case ReadOnlyError():
            kind, key = ServiceValidationError, "read_only"
        case InvalidAuthError():
            key = "invalid_auth"
        case ServerError():
            kind = ServiceValidationError if err.status in _WRONG_USE else HomeAssistantError
            key = _KNOWN.get(err.code, "server_error")
        case CannotConnectError():
            key = "cannot_connect"
        case _:
            key = "server_error"
    return kind(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


@contextlib.contextmanager
def errors_translated() -> Iterator[None]:
    """Raise HomeAssistantError instead of the client's errors within the context."""
    try:
        yield
    except ClientError as err:
        raise translated(err) from err


async def async_run_job(
    coordinator: PiperHardenedCoordinator, action: Action, voice: str
) -> FinishedJob:
    """Have something done to a voice; return when it is done.

    Raises:
        HomeAssistantError: it is not.
    """
    placeholders = {"voice": voice}
    with errors_translated():
        job = await coordinator.client.start(action, voice)
    try:
        finished = await coordinator.async_wait(job, coordinator.timings.job)
    except TimeoutError:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="still_running",
            translation_placeholders=placeholders,
        ) from None
    except JobLostError:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="job_lost",
            translation_placeholders=placeholders,
        ) from None
    check_outcome(finished)
    return finished

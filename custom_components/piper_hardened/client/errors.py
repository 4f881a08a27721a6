"""Errors of the client. None of them carries a token or a text that was to be spoken."""

from __future__ import annotations


class ClientError(Exception):
    """Root of the errors that the client raises."""


class CannotConnectError(ClientError):
    """The server does not answer, in time or at all."""


class CutOffError(CannotConnectError):
    """Somebody accepted the connection, but ended it without an answer."""


class NotPiperHardenedError(ClientError):
    """Somebody answers, but not as this server does."""


class UnsupportedApiError(ClientError):
    """The server's API is older or newer than what this client understands."""

    def __init__(self, api: int, *, newer: bool) -> None:
        super().__init__(f"the server's API has the number {api}")
        self.api = api
        self.newer = newer


class StreamError(ClientError):
    """The stream of events ended, or is no such stream."""


class ServerError(ClientError):
    """The server refuses or fails.

    Args:
        status: of HTTP.
        code: a stable name, kebab-case.
        message: one English sentence for people.
        retryable: whether asking again may help.
    """

    def __init__(self, status: int, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retryable = retryable


class InvalidAuthError(ServerError):
    """The token is wrong, or missing."""


class ReadOnlyError(ServerError):
    """The server lets this machine look, but change nothing, without a token."""

"""The client: one method for each call of the API that Home Assistant needs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from .errors import (
    CannotConnectError,
    CutOffError,
    InvalidAuthError,
    NotPiperHardenedError,
    ReadOnlyError,
    ServerError,
    StreamError,
    UnsupportedApiError,
)
from .model import (
    API_VERSION,
    FEATURES,
    Action,
    Counters,
    Info,
    Job,
    ListedVoice,
    State,
    read_objects,
)
from .stream import EventParser, ServerEvent

_MAX_BODY = 8 << 20
_PIECE = 1 << 16
_NO_NAMES = frozenset({"", ".", ".."})
_UNAUTHORIZED, _FORBIDDEN, _FIRST_OTHER = 401, 403, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits in seconds.

    Args:
        connect: until a connection is there.
        answer: of a call.
        quiet: between two bytes of a stream; the server sends some every 15 seconds.
        first_audio: until speech begins; the voice may have to be installed first.
        removal: of a voice, which waits for what is being done to it.
    """

    connect: float = 10.0
    answer: float = 20.0
    quiet: float = 45.0
    first_audio: float = 180.0
    removal: float = 300.0


class Client:
    """Asks one server.

    The token is sent to its address alone: no redirect is followed.

    Args:
        session: of aiohttp; it stays open.
        host: a name or an address, IPv6 without brackets.
        port: of its web server.
        token: what it wants to know, if anything.
        timeouts: tests pass others.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        host: str,
        port: int,
        token: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._session = session
        self._base = URL.build(scheme="http", host=host, port=port)
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeouts = timeouts or Timeouts()

    @property
    def address(self) -> str:
        """Address of the server's page."""
        return str(self._base)

    async def info(self) -> Info:
        """Return who the server is.

        Raises:
            CannotConnectError: nobody answers.
            NotPiperHardenedError: somebody else does.
            UnsupportedApiError: the server is too old or too new.
        """
        try:
            data = await self._ask("GET", "api", "info")
        except (ServerError, CutOffError) as err:
            raise NotPiperHardenedError(str(err)) from None
        info = Info.read(data)
        if info.api < 1:
            raise NotPiperHardenedError("there is no number of an API")
        if info.api != API_VERSION or not info.features >= FEATURES:
            raise UnsupportedApiError(info.api, newer=info.api > API_VERSION)
        return info

    async def may_change(self) -> bool:
        """Return whether this machine may change anything there."""
        return (await self._ask("GET", "api", "permission")).get("change") is True

    async def start(self, action: Action, voice: str) -> Job:
        """Start to install, verify or repair a voice; return the job."""
        data = await self._ask("POST", "api", "voices", voice, str(action))
        return _job(data)

    async def remove(self, voice: str) -> None:
        """Remove a voice; returns when that is done."""
        await self._ask("DELETE", "api", "voices", voice, total=self._timeouts.removal)

    async def set_default_voice(self, name: str) -> None:
        """Make an installed voice or a preset that of requests that name none."""
        await self._ask("PUT", "api", "default-voice", body={"name": name})

    async def voices(
        self, language: str | None = None, *, installed: bool | None = None
    ) -> tuple[ListedVoice, ...]:
        """Return the voices of a language, all or only installed or available ones."""
        query = {"language": language or ""}
        if installed is not None:
            query["installed"] = "true" if installed else "false"
        data = await self._ask("GET", "api", "voices", query=query)
        return read_objects(data, "voices", ListedVoice.read)

    async def apply(self, issue_id: str) -> Job | None:
        """Start what an issue suggests; return its job, if it is one on a voice."""
        data = await self._ask("POST", "api", "issues", issue_id, "apply")
        return _job(data) if "job" in data else None

    async def dismiss(self, issue_id: str) -> None:
        """Leave an issue as it is."""
        await self._ask("DELETE", "api", "issues", issue_id)

    async def restart_workers(self) -> None:
        """Replace every engine process."""
        await self._ask("POST", "api", "workers", "restart")

    async def reset_breaker(self, voice: str | None = None) -> None:
        """Try a voice, or everything, again at once."""
        body = {} if voice is None else {"voice": voice}
        await self._ask("POST", "api", "breakers", "reset", body=body)

    @contextlib.asynccontextmanager
    async def speak(self, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Provide the bytes of a WAV file as they are made, within the context.

        Raises:
            ServerError: it cannot be spoken.
            StreamError: within, the speech broke off.
        """
        timeouts = self._timeouts
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=timeouts.connect, sock_read=timeouts.first_audio
        )
        async with self._answer("POST", "api", "say", body=body, timeout=timeout) as answer:
            yield _pieces(answer)

    async def events(self) -> AsyncGenerator[State | Counters, None]:
        """Yield the state and the counters, then each newer one; ends only by an error.

        Raises:
            CannotConnectError: nobody answers, or nothing comes any more.
            ServerError: the server refuses.
            StreamError: the stream ended, or is none.
        """
        timeouts = self._timeouts
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=timeouts.connect, sock_read=timeouts.quiet
        )
        query = {"view": "companion"}
        async with self._answer("GET", "api", "events", query=query, timeout=timeout) as answer:
            if answer.content_type != "text/event-stream":
                raise StreamError("the answer is no stream of events")
            parser = EventParser()
            async for piece in _pieces(answer):
                for event in parser.feed(piece):
                    if (value := _value(event)) is not None:
                        yield value
        raise StreamError("the server ended the stream")

    async def snapshot(self) -> tuple[State, Counters]:
        """Return the state and the counters as they are now.

        Raises:
            ClientError: the server does not tell.
        """
        data = await self._ask("GET", "api", "companion")
        state, counters = data.get("state"), data.get("counters")
        if not isinstance(state, dict) or not isinstance(counters, dict):
            raise NotPiperHardenedError("the answer has no state")
        return State.read(state), Counters.read(counters)

    async def _ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        total: float | None = None,
    ) -> Mapping[str, Any]:
        """Return the object of an answer, which takes `total` seconds at most."""
        timeout = aiohttp.ClientTimeout(
            total=total or self._timeouts.answer, sock_connect=self._timeouts.connect
        )
        async with self._answer(method, *path, query=query, body=body, timeout=timeout) as answer:
            return _parsed(await _read(answer))

    @contextlib.asynccontextmanager
    async def _answer(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - that of aiohttp
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if any(part in _NO_NAMES for part in path):
            raise ServerError(400, "bad-request", "a name of nothing but dots is no name")
        parts = (quote(part, safe="") for part in path)
        url = self._base.joinpath(*parts, encoded=True)
        try:
            async with self._session.request(
                method,
                url.with_query(query) if query else url,
                headers=self._headers,
                json=body,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                if answer.status >= _FIRST_OTHER:
                    raise await _error(answer)
                yield answer
        except (TimeoutError, aiohttp.ServerTimeoutError):
            raise CannotConnectError("no answer in time") from None
        except aiohttp.ClientConnectorError as err:
            raise CannotConnectError(err.strerror or "no connection") from None
        except (aiohttp.ClientConnectionError, ConnectionError):
            raise CutOffError("the connection broke off") from None
        except aiohttp.ClientResponseError:
            raise NotPiperHardenedError("the answer is not HTTP") from None
        except aiohttp.ClientPayloadError:
            raise StreamError("the answer broke off") from None
        except (aiohttp.ClientError, ValueError):
            raise CannotConnectError("the address cannot be used") from None


def _job(data: Mapping[str, Any]) -> Job:
    job = data.get("job")
    if not isinstance(job, dict):
        raise NotPiperHardenedError("the answer names no job")
    return Job.read(job)


def _value(event: ServerEvent) -> State | Counters | None:
    if event.name not in {"state", "counters"}:
        return None
    try:
        data = json.loads(event.data)
    except (ValueError, RecursionError):
        raise StreamError("an event is not JSON") from None
    if not isinstance(data, dict):
        raise StreamError("an event is no object")
    return State.read(data) if event.name == "state" else Counters.read(data)


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for piece in answer.content.iter_chunked(_PIECE):
        yield piece


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE):
        content += piece
        if len(content) > _MAX_BODY:
            raise NotPiperHardenedError("the answer is too long")
    return bytes(content)


def _parsed(content: bytes) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        data = json.loads(content)
        if isinstance(data, dict):
            return data
    raise NotPiperHardenedError("the answer is no JSON object")


async def _error(answer: aiohttp.ClientResponse) -> ServerError | NotPiperHardenedError:
    """Return the error that an answer stands for."""
    try:
        error = _parsed(await _read(answer)).get("error")
    except NotPiperHardenedError as err:
        error = None if answer.status not in {_UNAUTHORIZED, _FORBIDDEN} else {}
        if error is None:
            return err
    if not isinstance(error, dict):
        return NotPiperHardenedError(f"the answer has the status {answer.status}")
    kind = {_UNAUTHORIZED: InvalidAuthError, _FORBIDDEN: ReadOnlyError}.get(
        answer.status, ServerError
    )
    code, message = error.get("code"), error.get("message")
    return kind(
        answer.status,
        code if isinstance(code, str) else "unknown",
        message if isinstance(message, str) else f"the server answers {answer.status}",
        retryable=error.get("retryable") is True,
    )

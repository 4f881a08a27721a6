"""A client of Home Assistant's Supervisor: the few things an app may ask about itself."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from .errors import SupervisorError, SupervisorRefusedError, SupervisorUnreachableError

SUPERVISOR_URL = "http://supervisor"

_TIMEOUT = 10.0  # seconds
_MAX_BYTES = 1 << 20
_TOKEN = re.compile(r"[!-~]{1,1000}")
_ID = re.compile(r"[0-9A-Fa-f-]{1,64}")
_SHOWN = 200  # characters of the Supervisor's own words


class Supervisor:
    """Asks the Supervisor; open within its context.

    Neither its errors nor anything it logs holds the token; no proxy of the environment is used
    and no redirect followed, so the token goes to `url` alone.

    Args:
        url: where the Supervisor is.
        token: what it has given to the app.
        timeout: seconds that an answer may take.

    Raises:
        SupervisorRefusedError: this cannot be a token.
    """

    def __init__(self, url: str, token: str, *, timeout: float = _TIMEOUT) -> None:
        if not _TOKEN.fullmatch(token):
            raise SupervisorRefusedError("SUPERVISOR_TOKEN holds something that is not a token")
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=self._timeout,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def announce(self, service: str, config: Mapping[str, object]) -> str:
        """Let Home Assistant discover this app; the same once more changes nothing.

        Returns the announcement's id, by which it can be withdrawn; empty if it is not told.

        Raises:
            SupervisorError: see the class.
        """
        body = {"service": service, "config": dict(config)}
        found = (await self._ask("POST", "/discovery", body)).get("uuid")
        return found if isinstance(found, str) and _ID.fullmatch(found) else ""

    async def withdraw(self, announcement_id: str) -> None:
        """Take an announcement back.

        Raises:
            SupervisorError: see the class; among others there is no such announcement.
        """
        await self._ask("DELETE", f"/discovery/{quote(announcement_id, safe='')}")

    async def options(self) -> dict[str, Any]:
        """Return the app's options as they will be at its next start.

        Raises:
            SupervisorError: see the class.
        """
        info = await self._ask("GET", "/addons/self/info")
        options = info.get("options")
        if not isinstance(options, dict):
            raise SupervisorError("the Supervisor's answer has no options")
        return options

    async def set_options(self, options: Mapping[str, object]) -> None:
        """Change the app's options, all of them, for its next start.

        Raises:
            SupervisorError: see the class.
        """
        await self._ask("POST", "/addons/self/options", {"options": dict(options)})

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Return the Supervisor's answer; `{}` if that is empty."""
        assert self._session is not None
        with _failures_named(f"{method} {path}"):
            async with self._session.request(
                method, self._url + path, json=body, allow_redirects=False
            ) as response:
                answer = _parsed(await _read(response))
                if response.status == 200 and answer.get("result") == "ok":  # noqa: PLR2004
                    data = answer.get("data")
                    return data if isinstance(data, dict) else {}
                status = response.status
        said = str(answer.get("message") or "it does not say why")
        said = said.replace(self._token, "…")[:_SHOWN]
        kind = SupervisorRefusedError if status in {400, 401, 403} else SupervisorError
        raise kind(f"{method} {path}: the Supervisor answers {status}: {said}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _MAX_BYTES:
            raise SupervisorError("the Supervisor's answer is too long")
    return bytes(content)


def _parsed(content: bytes) -> dict[str, Any]:
    """Return the answer's object; `{}` if it is none, as when a proxy answers instead."""
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(content)
        if isinstance(answer, dict):
            return answer
    return {}


@contextlib.contextmanager
def _failures_named(what: str) -> Iterator[None]:
    """Translate failures of the connection into errors of this program."""
    try:
        yield
    except aiohttp.ClientConnectorError as err:
        why = err.strerror or "no connection"
        raise SupervisorUnreachableError(f"{what}: {why}") from None
    except (aiohttp.ServerConnectionError, aiohttp.ClientOSError, TimeoutError):
        raise SupervisorUnreachableError(f"{what}: no answer in time, or cut off") from None
    except (aiohttp.ClientError, UnicodeError):
        raise SupervisorUnreachableError(f"{what}: not an HTTP answer") from None

"""Checks of the server's page as people open it: through Home Assistant's ingress."""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from .home_assistant import URL, page

if TYPE_CHECKING:
    from .bench import Bench
    from .results import Findings

NEWS_WITHIN = 2.0
LONG = "The washing machine has finished, and the dryer is waiting for you. " * 12
LARGE = 20 << 20
"""Bytes; a voice has more, too."""


async def parts(_: Bench, findings: Findings) -> None:
    """Check the page, and what it consists of."""
    async with page() as server:
        async with server.get("") as answer:
            findings.require(answer.status == HTTPStatus.OK, f"HTTP status {answer.status}")
            text = await answer.text()
            policy = answer.headers.get("Content-Security-Policy", "")
        findings.require("frame-ancestors 'self'" in policy, f"may not be framed: {policy!r}")
        found = re.findall(r'(?:src|href)="(static/[^"]+)"', text)
        findings.require(len(found) > 2, f"only the parts {found}")
        for path in [*found, "static/locales/en.json", "openapi.json", "api/voices"]:
            async with server.get(path) as answer:
                findings.require(answer.status == HTTPStatus.OK, f"{path}: {answer.status}")


async def news(bench: Bench, findings: Findings) -> None:
    """Check that events arrive while they happen; where they are kept back the page polls."""
    began = time.monotonic()
    arrived: float | None = None
    async with page() as server:
        try:
            timeout = aiohttp.ClientTimeout(total=NEWS_WITHIN)
            async with server.get("api/events", timeout=timeout) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        arrived = time.monotonic() - began
                        break
        except TimeoutError:
            pass
        async with server.get("api/status") as answer:
            findings.require((await answer.json())["ready"], "the server is not ready")
    findings.measure("first", arrived)
    if bench.events_pass_ingress:
        findings.require(arrived is not None, f"no news within {NEWS_WITHIN:g} s")
    elif arrived is None:
        findings.measurements["kept back"] = ""


async def speech(_: Bench, findings: Findings) -> None:
    """Heard before all of it is made; and the server reports that nothing is missing."""
    began, first, size = time.monotonic(), None, 0
    async with page() as server:
        async with server.post("api/say", json={"text": LONG}) as answer:
            findings.require(answer.status == HTTPStatus.OK, f"HTTP status {answer.status}")
            async for part in answer.content.iter_any():
                first = first or time.monotonic() - began
                size += len(part)
            request_id = answer.headers.get("X-Request-Id")
        whole = time.monotonic() - began
        async with server.get("api/status") as answer:
            requests = (await answer.json())["requests"]
    seconds = size / 2 / 22050
    findings.measure("first byte", first)
    findings.measure("audio", seconds)
    findings.measure("whole", whole)
    findings.require(first is not None and first < whole / 2, "it came all at once")
    findings.require(seconds > len(LONG) / 24, f"only {seconds:.1f} s of audio")
    outcomes = [one["outcome"] for one in requests if one["id"] == request_id]
    findings.require(outcomes == ["ok"], f"its outcome is {outcomes}")


async def large_file(_: Bench, findings: Findings) -> None:
    """Check that an upload reaches the server, which finds out that it is no voice."""
    form = aiohttp.FormData()
    form.add_field("model", bytes(LARGE), filename="large.onnx")
    form.add_field("config", b"{}", filename="large.onnx.json")
    async with page() as server, server.post("api/voices", data=form) as answer:
        body = await answer.text()
        findings.require(
            answer.status == HTTPStatus.UNPROCESSABLE_ENTITY, f"{answer.status}: {body[:200]}"
        )
        findings.measurements["refused as"] = _code(body)


async def changes(_: Bench, findings: Findings) -> None:
    """Its buttons work, and nobody else's page can press them."""
    tries = {
        ("POST", "api/workers/restart", URL): HTTPStatus.ACCEPTED,
        ("POST", "api/workers/restart", "https://evil.example"): HTTPStatus.FORBIDDEN,
        ("DELETE", "api/voices/pt_PT-tug%C3%A3o-medium", URL): HTTPStatus.NOT_FOUND,
        ("POST", "api/issues/failing%3Aworker%201/apply", URL): HTTPStatus.NOT_FOUND,
    }
    async with page() as server:
        for (method, path, origin), expected in tries.items():
            async with server.request(method, path, headers={"Origin": origin}) as answer:
                body = (await answer.text())[:200]
                findings.require(
                    answer.status == expected,
                    f"{method} {path} from {origin}: {answer.status} instead of {expected}: {body}",
                )


def _code(body: str) -> str:
    try:
        error: dict[str, Any] = json.loads(body)["error"]
    except (ValueError, KeyError):
        return body[:50]
    return str(error["code"])

"""Ten thousand random requests, and what the OpenAPI document allows and forbids."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from random import Random
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from conftest import Report, Script
from support.both_servers import Open, Site
from wyoming_piper_hardened.web.limits import WebLimits

REQUESTS, CONNECTIONS = 10_000, 20
NAMES = (
    *("en_US-joe-medium", "..", "%2e%2e%2f", "a%00b", "%ff", "x" * 300, "-", "%0d%0aX-Y:z"),
    *("de_DE-thorsten-medium", "%F0%9F%98%80", "..%2f..%2fetc%2fpasswd", "CON", "~root", "$HOME"),
)
BODIES = (
    *(b"", b"{}", b"[]", b"null", b"5", b'"x"', b"{", b"\xff\x00", b"{" * 2000, b"x" * 5000),
    *(b'{"text": null}', b'{"text": "\\ud800"}', b'{"text": {}}', b'{"text": "Hi.", "voice": "x"}'),
    *(b'{"input": "Hi.", "speed": -1}', b'{"voice": "x"}', b'{"input": "", "voice": []}'),
    b'--x\r\nContent-Disposition: form-data; name="model"; filename="../x.onnx"\r\n\r\nx\r\n--x--',
)
KINDS = ("application/json", "multipart/form-data; boundary=x", "text/plain", "", "x/y; a=\x7f")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get")
FOREIGN = ("Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n")
HEADERS = (
    *(
        "",
        "Expect: 100-continue\r\n",
        "Accept: text/plain;version=x\r\n",
        "If-None-Match: *\r\n",
        "Range: x\r\n",
    ),
    *("Content-Encoding: gzip\r\n", "Cookie: a=b\r\n", "Authorization: Bearer x\r\n"),
    *("Upgrade: websocket\r\nConnection: Upgrade\r\n", "X-Forwarded-For: 1.2.3.4\r\n"),
)


def a_path(random: Random, paths: list[str]) -> str:
    path = random.choice([*paths, "/", "/static/{name}", "/{name}", "/api/{name}/{name}"])
    for part in ("{name}", "{id}"):
        while part in path:
            path = path.replace(part, random.choice(NAMES), 1)
    query = random.choice(("", "", "?wait=true", "?wait=x", "?quality=%00", "?text=%ff", "?" * 9))
    return path + query


def a_request(random: Random, paths: list[str]) -> bytes:
    """From a foreign page, so that none may change anything, unless it only asks."""
    body, path = random.choice(BODIES), a_path(random, paths)
    head = f"{random.choice(METHODS)} {path} HTTP/1.1\r\nHost: localhost\r\n"
    kind = f"Content-Type: {random.choice(KINDS)}\r\nContent-Length: {len(body)}\r\n"
    foreign = random.choice(FOREIGN)
    if path.startswith(("/api/say", "/v1/")) or "{" in path:
        foreign = random.choice(("", foreign))
    return f"{head}{kind}{random.choice(HEADERS)}{foreign}\r\n".encode("latin-1") + body


async def statuses(site: Site, random: Random, paths: list[str], count: int) -> list[int]:
    """Return what one client gets; it takes a new connection whenever its own is closed."""
    seen: list[int] = []
    while len(seen) < count:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
        try:
            while len(seen) < count:
                request = a_request(random, paths)
                writer.write(request)
                seen.append(await an_answer(reader, head_only=request.startswith(b"HEAD")))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # closed after the answer before
        finally:
            writer.close()
    return seen


async def an_answer(reader: asyncio.StreamReader, *, head_only: bool) -> int:
    async with asyncio.timeout(30):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split()[1])
        if status == 100:
            return await an_answer(reader, head_only=head_only)
        assert "traceback" not in head
        if head_only or status in {204, 304}:
            return status
        if "transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            assert b"Traceback" not in await reader.readexactly(length)
        return status


async def test_random_requests_change_nothing(
    open_site: Open, script: Script, prepared_data: Path, report: Report
) -> None:
    random = Random(7)
    site = await open_site(script(), offline=True)  # else the absent repository is an error of 502
    _, document = await site.get("/openapi.json")
    paths = [path for path in document["paths"] if path != "/api/events"]
    await site.server.pool.until_ready()  # until then health/ready is 503
    before = await state_of(site, prepared_data)
    pid = site.server.pool.workers[0].pid
    seen = await asyncio.gather(
        *(
            statuses(site, Random(random.random()), paths, REQUESTS // CONNECTIONS)
            for _ in range(CONNECTIONS)
        )
    )
    counts = {status: sum(one.count(status) for one in seen) for status in set().union(*seen)}
    report(f"answers by status: {dict(sorted(counts.items()))}")
    assert sum(counts.values()) >= REQUESTS
    assert not [status for status in counts if status >= 500]
    assert counts.keys() >= {200, 400, 403, 404, 405}
    assert await state_of(site, prepared_data) == before
    assert site.server.pool.workers[0].pid == pid
    assert len(await site.hear(text="It speaks.")) > 1000


async def state_of(site: Site, data: Path) -> object:
    _, status = await site.get("/api/status")
    _, voices = await site.get("/api/voices")
    files = sorted(str(path) for path in data.rglob("*"))
    return status["issues"], status["jobs"], voices, files


async def test_answers_agree_with_the_openapi_document(open_site: Open, script: Script) -> None:
    limits = WebLimits(changes_per_minute=10**9)
    site = await open_site(script(), web_limits=limits, offline=True)
    async with site.client.get("/openapi.json") as answer:
        document = json.loads(await answer.text())
    del document["paths"]["/api/events"]  # never ends
    await asyncio.to_thread(try_all, document, site.url)


schemathesis.serializer.alias("application/x-tar", "application/octet-stream")


def try_all(document: dict[str, Any], url: str) -> None:
    """Make valid and invalid calls of every operation; the answers must be documented."""
    schema = schemathesis.openapi.from_dict(document)
    count = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        count += 1
        # No schema can say what the files of a form are called, or what an archive holds.
        uploads = operation.label in {"POST /api/voices", "POST /api/voices/import"}
        for mode in schemathesis.GenerationMode:
            with contextlib.suppress(Unsatisfiable):  # nothing in it can be wrong
                try_some(operation.as_strategy(generation_mode=mode), url, uploads=uploads)
    assert count == sum(len(methods) for methods in document["paths"].values())


def try_some(cases: SearchStrategy[Any], url: str, *, uploads: bool) -> None:
    excluded: Any = [positive_data_acceptance] if uploads else []

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=url, timeout=30, excluded_checks=excluded)

    check()

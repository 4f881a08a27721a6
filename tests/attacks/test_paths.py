"""Where files lie on the server: the owner may know, nobody else is told."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from attacks.conftest import StartAttacked, wait_until
from attacks.test_segments import say
from attacks.test_watched_folders import copy_of, put, put_good, sparse, wait_for_voice
from support.voices import SINGLE_CONFIG
from support.web_server import WebServer

ELSEWHERE = {"X-Forwarded-For": "203.0.113.5"}
"""What a proxy adds that is not trusted: these calls count as from another machine."""


def answer(server: WebServer, path: str, headers: dict[str, str], method: str = "GET") -> str:
    """Return the status, the headers and the body; of a stream, its first event."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, headers=headers)
    found = connection.getresponse()
    if found.headers.get_content_type() == "text/event-stream":
        lines = iter(lambda: found.readline().decode(), "")
        body = next(line for line in lines if line.startswith("data:"))
    else:
        body = found.read().decode(errors="replace")
    connection.close()
    return f"{found.status}\n{found.headers}\n{body}"


def paths(server: WebServer) -> Iterator[tuple[str, str]]:
    """Yield method and path of everything that the server has, with a voice for each name."""
    described = server.get("openapi.json")
    for path, methods in described["paths"].items():
        for method in methods:
            yield method.upper(), path.replace("{name}", "broken").replace("{id}", "missing:broken")
    yield "GET", "/"


def spoken(server: WebServer, text: str, voice: str) -> str:
    """Return what a Wyoming client is told."""
    with socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=60) as client:
        data = {"text": text, "voice": {"name": voice}}
        client.sendall(json.dumps({"type": "synthesize", "data": data}).encode() + b"\n")
        with client.makefile("rb") as file:
            return file.read().decode(errors="replace")


def test_others_are_not_told_where_files_lie(
    start_attacked: StartAttacked, watched_folder: Path, tmp_path: Path
) -> None:
    put(watched_folder, "empty", sparse(0), copy_of(SINGLE_CONFIG))
    put_good(watched_folder, "broken")
    (watched_folder / "dictionary.yaml").write_text("- [")
    server = start_attacked("--auto-repair", "false")
    wait_for_voice(server, "broken")
    (model,) = server.data_dir.glob("voices/broken/*-*/broken.onnx")
    for file in (model, *model.parent.glob("*coder.onnx"), *model.parent.glob("whole.onnx")):
        file.write_bytes(bytes(file.stat().st_size))
    (server.data_dir / "staging").rmdir()
    (server.data_dir / "staging").write_text("no folder")
    server.post("api/workers/restart")  # those that run have it in memory
    unavailable = (503, "voice-unavailable")
    wait_until(lambda: say(server, "Hello.", voice="broken")[:2] == unavailable)
    told = [spoken(server, "Hello.", "broken")]
    for action in ("verify", "repair", "install"):
        name = "broken" if action != "install" else "en_GB-alan-low"
        path = f"/api/voices/{name}/{action}?wait=true"
        told.append(answer(server, path, {"X-Requested-With": "fetch"}, "POST"))
    told += [answer(server, path, ELSEWHERE, method) for method, path in paths(server)]
    assert len(told) > 20
    for secret in (str(tmp_path), tmp_path.name, watched_folder.name + "/", sys.prefix, ".venv"):
        for one in told:
            assert secret not in one, one
    own = answer(server, "/api/status", {})
    for shown in (str(watched_folder / "dictionary.yaml"), str(model.parent)):
        assert shown in own
    assert str(model.parent) in answer(server, "/api/events", {})
    assert "data_dir refuses" in "".join(told)

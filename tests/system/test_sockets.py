"""Addresses to listen on, and names of peers."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from pathlib import Path

import pytest

from conftest import Script, Serve
from support.both_servers import opened
from support.client import connected_to
from support.scripted_engine import samples
from wyoming_piper_hardened.cli.commands.health import reachable_uri
from wyoming_piper_hardened.system.sockets import bind_error, peer_name, with_port

BOTH = ["[::]", "", "[0:0::0]"]
HERE = ["127.0.0.1", "::1"]


def has_ipv6() -> bool:
    if not socket.has_dualstack_ipv6():
        return False
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("host", BOTH)
async def test_an_empty_host_means_both_families(
    start_server: Serve, script: Script, host: str
) -> None:
    """Of the Wyoming port and of the web port, and whatever port is free."""
    uris = {"uri": f"tcp://{host}:0", "web_uri": f"http://{host}:0"}
    async with opened(start_server, script(), **uris) as site:
        assert site.server.port
        assert site.url.startswith("http://[")
        for address in HERE if has_ipv6() else HERE[:1]:
            async with connected_to(address, site.server.port) as client:
                assert (await client.say("Hello there.")).pcm == samples("Hello there.")
            shown = f"[{address}]" if ":" in address else address
            status, body = await site.get(f"http://{shown}:{site.web.port}/api/permission")
            assert (status, body) == (200, {"change": True})  # this machine, by either family


async def test_program_that_holds_a_port_is_named_in_full(tmp_path: Path) -> None:
    """Although the system keeps 15 characters, and a script's process is its interpreter's."""
    program = tmp_path / "a-program-with-a-long-name"
    lines = (f"#!{sys.executable}", "import socket", "s = socket.create_server(('127.0.0.1', 0))")
    last = "print(s.getsockname()[1], flush=True); input()"
    program.write_text("\n".join((*lines, last)), "utf-8")
    program.chmod(0o755)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, stdin=pipe, stdout=pipe)
    assert process.stdout
    try:
        port = int(await process.stdout.readline())
        in_use = OSError(errno.EADDRINUSE, "Address already in use")
        error = await bind_error(in_use, f"tcp://127.0.0.1:{port}")
    finally:
        process.kill()
        await process.communicate()
    assert str(error).endswith(f"is in use by {program.name} (pid {process.pid})")


async def test_an_ipv4_host_means_ipv4_alone(start_server: Serve, script: Script) -> None:
    server = await start_server(script(), uri="tcp://0.0.0.0:0")
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("::1", server.port)


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        (("192.168.1.5", 7), "192.168.1.5:7"),
        (("::ffff:192.168.1.5", 7, 0, 0), "192.168.1.5:7"),
        (("fd00::5", 7, 0, 0), "[fd00::5]:7"),
    ],
)
def test_names_of_peers(peer: tuple[object, ...], name: str) -> None:
    assert peer_name(peer) == name


@pytest.mark.parametrize(
    ("uri", "port", "shown"),
    [
        ("tcp://:0", 7, "tcp://[::]:7"),
        ("tcp://[::]:0", 7, "tcp://[::]:7"),
        ("http://localhost:80/", 80, "http://localhost:80"),
        ("unix:///run/x", None, "unix:///run/x"),
    ],
)
def test_shown_addresses(uri: str, port: int | None, shown: str) -> None:
    assert with_port(uri, port) == shown


@pytest.mark.parametrize("uri", ["tcp://:1", "tcp://[::]:1", "tcp://0.0.0.0:1"])
def test_health_asks_this_machine(uri: str) -> None:
    assert reachable_uri(uri) == "tcp://127.0.0.1:1"

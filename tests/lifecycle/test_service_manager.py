"""Reports to systemd, from the real program to a socket like systemd's."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wyoming_piper_hardened.lifecycle.service_manager import ServiceManager

UNIT = Path(__file__).parents[1] / "deploy" / "wyoming-piper-hardened.service"


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Return what the environment names, and the socket behind it."""
    address = str(tmp_path / "notify")
    if request.param == "abstract":
        address = f"@test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address.replace("@", "\0"))
        manager.settimeout(0)
        yield address, manager


async def test_program_reports_its_start_its_state_and_its_stop(
    prepared_data: Path, listener: tuple[str, socket.socket]
) -> None:
    address, manager = listener
    loop = asyncio.get_running_loop()
    seen: list[str] = []
    watchdogs: list[float] = []

    async def until(line: str) -> None:
        async with asyncio.timeout(60):
            while not any(one.startswith(line) for one in seen):
                lines = (await loop.sock_recv(manager, 4096)).decode().split("\n")
                seen.extend(lines)
                if "WATCHDOG=1" in lines:
                    watchdogs.append(time.monotonic())

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_piper_hardened", "serve", "--uri", "tcp://127.0.0.1:0"),
        *("--data-dir", str(prepared_data)),
        env=os.environ | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until("READY=1")
        await until("STATUS=en_US-joe-medium speaks")
        seen.clear()
        await until("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        await until("STOPPING=1")
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert len(watchdogs) >= 2


def test_variables_are_for_this_process_alone() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}
    assert ServiceManager.take(environment) == ServiceManager("/run/x")
    assert environment == {}
    mine = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}
    assert ServiceManager.take(mine) == ServiceManager("@x", 1.5)


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1"])
def test_other_addresses_are_ignored(address: str) -> None:
    assert ServiceManager.take({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "x"}) is None


def test_a_wrong_interval_is_none() -> None:
    for interval in ("", "0", "-5", "x", "²"):
        environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": interval}
        assert ServiceManager.take(environment) == ServiceManager("/run/x")

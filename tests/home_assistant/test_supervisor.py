"""Discovery and options over real HTTP, with everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Script, Serve
from supervisor.simulator import Fault, Simulator, serving
from support.events import logged
from support.waiting import eventually
from wyoming_piper_hardened.config.settings import Settings
from wyoming_piper_hardened.home_assistant.app import App, clear_repairs
from wyoming_piper_hardened.home_assistant.discovery import (
    announce,
    to_companion,
    to_wyoming,
    withdraw,
)
from wyoming_piper_hardened.home_assistant.errors import (
    SupervisorError,
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from wyoming_piper_hardened.home_assistant.options import AppOptions
from wyoming_piper_hardened.home_assistant.supervisor import Supervisor
from wyoming_piper_hardened.processes.restart import RestartPolicy

TOKEN = "a-very-secret-token"  # noqa: S105 - of a simulator
CONFIG: dict[str, Any] = {
    "discovery": ["wyoming", "piper_hardened"],
    "options": {"voice": "en_US-joe-medium", "repair_on_start": [], "volume": 1.0},
    "schema": {
        "voice": "str",
        "repair_on_start": ["str"],
        "volume": "float(0,4)",
        "speaker": "str?",
    },
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with serving(Simulator(TOKEN, CONFIG)) as simulator:
        yield simulator


@pytest.fixture
def options(tmp_path: Path) -> AppOptions:
    return AppOptions(Settings(data_dir=tmp_path, web_uri="http://127.0.0.1:8099"))


async def test_it_is_announced_when_it_can_speak_and_not_withdrawn(
    simulator: Simulator, options: AppOptions, start_server: Serve, script: Script
) -> None:
    app = App(options, TOKEN, simulator.url)
    engine = [script("die")]
    restart = RestartPolicy(backoff_delay=0.05)
    server = await start_server(lambda: engine[0], restart, app=app)
    (worker,) = server.pool.workers
    await eventually(lambda: worker.last_failure)
    assert simulator.received == []
    engine[0] = script()
    await eventually(lambda: simulator.discovered)
    host = socket.gethostname()
    to_wyoming = {"service": "wyoming", "config": {"uri": f"tcp://{host}:{server.port}"}}
    assert list(simulator.discovered.values()) == [to_wyoming]
    assert all(one.authorized for one in simulator.received)


async def test_the_same_message_is_announced_after_a_restart(simulator: Simulator) -> None:
    known = []
    for _ in range(2):
        async with Supervisor(simulator.url, TOKEN) as supervisor:
            await supervisor.announce("wyoming", {"uri": "tcp://host:10200"})
        known.append(list(simulator.discovered))
    assert known[0] == known[1]  # Home Assistant knows what a person set up by it
    assert simulator.withdrawn == []


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_failure_is_named_without_the_token(simulator: Simulator, fault: Fault) -> None:
    simulator.fault(fault)
    async with Supervisor(simulator.url, TOKEN, timeout=0.5) as supervisor:
        with pytest.raises(SupervisorError) as raised:
            await supervisor.announce("wyoming", {"uri": "tcp://host:10200"})
        assert TOKEN not in str(raised.value.args)
        assert raised.value.retryable
        kind = {
            Fault.SLOW: SupervisorUnreachableError,
            Fault.RESET: SupervisorUnreachableError,
            Fault.UNAUTHORIZED: SupervisorRefusedError,
            Fault.ECHO: SupervisorRefusedError,
        }.get(fault, SupervisorError)
        assert type(raised.value) is kind
        await supervisor.announce("wyoming", {"uri": "tcp://host:10200"})
    assert simulator.services == ["wyoming"]


async def test_a_proxy_of_the_environment_is_not_used(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with Supervisor(simulator.url, TOKEN) as supervisor:
        await supervisor.announce("wyoming", {"uri": "tcp://host:10200"})


@pytest.mark.parametrize("token", ["a\nb", "a b", "ü", "x" * 2000])
def test_what_cannot_be_a_token_is_none(token: str) -> None:
    with pytest.raises(SupervisorRefusedError) as raised:
        Supervisor("http://supervisor", token)
    assert token not in str(raised.value.args)


async def test_it_is_announced_again_until_that_succeeds(
    simulator: Simulator,
    start_server: Serve,
    script: Script,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await start_server(script())
    faults = (Fault.ERROR, Fault.UNAUTHORIZED, Fault.RESET, Fault.NONSENSE, Fault.ERROR)
    simulator.fault(*faults)
    async with Supervisor(simulator.url, TOKEN) as supervisor:
        announced = to_wyoming("host", 1)
        await announce(supervisor, server.status, announced, itertools.repeat(0.0))
    assert simulator.services == ["wyoming"]
    assert len(simulator.received) == len(faults) + 1
    assert TOKEN not in caplog.text


async def test_a_service_that_is_not_listed_is_logged_once(
    start_server: Serve, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(script())
    config = {**CONFIG, "discovery": ["wyoming"]}
    async with (
        serving(Simulator(TOKEN, config)) as simulator,
        Supervisor(simulator.url, TOKEN) as supervisor,
    ):
        announced = to_companion("host", 1, 2, "0" * 32)
        await announce(supervisor, server.status, announced, [0.0] * 5)
        assert simulator.services == []
    (event,) = logged(caplog, "discovery-failed")  # the same again is not worth a line
    assert event.params["service"] == "piper_hardened"


async def test_announcement_is_withdrawn_or_the_refusal_logged(
    simulator: Simulator, start_server: Serve, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = await start_server(script())
    own = to_companion("host", 1, 2, "0" * 32)
    async with Supervisor(simulator.url, TOKEN) as supervisor:
        await announce(supervisor, server.status, to_wyoming("host", 1))
        announced = await announce(supervisor, server.status, own)
        assert simulator.services == ["piper_hardened", "wyoming"]
        await withdraw(supervisor, own, announced)
        assert simulator.services == ["wyoming"]
        for wrong in (announced, "../addons/self/info", ""):
            await withdraw(supervisor, own, wrong)
    assert simulator.services == ["wyoming"]
    assert len(logged(caplog, "discovery-withdrawn")) == 1
    assert len(logged(caplog, "discovery-not-withdrawn")) == 3


async def test_without_a_token_there_is_no_discovery(
    simulator: Simulator, options: AppOptions, start_server: Serve, script: Script
) -> None:
    server = await start_server(script(), app=App(options, "", simulator.url))
    await eventually(lambda: server.status.ready)
    assert simulator.received == []


async def test_what_was_repaired_at_the_start_is_cleared(
    simulator: Simulator,
    options: AppOptions,
    start_server: Serve,
    script: Script,
) -> None:
    simulator.options = {"repair_on_start": ["en_US-joe-medium"]}
    simulator.fault(Fault.ERROR, Fault.RESET, Fault.UNAUTHORIZED)
    wanted = ("en_US-joe-medium",)
    settings = replace(options.settings, repair_on_start=wanted)
    app = App(replace(options, settings=settings), TOKEN, simulator.url, clear_delay=0.0)
    await start_server(script(), app=app, repair_on_start=list(wanted))
    await eventually(lambda: simulator.options["repair_on_start"] == [])


@pytest.mark.parametrize(
    ("before", "left"),
    [
        (["a"], []),
        (["a", "new"], ["new"]),
        (["new"], ["new"]),
        ([], []),
    ],
)
async def test_only_what_was_repaired_is_cleared(
    simulator: Simulator, before: list[str], left: list[str]
) -> None:
    simulator.options = {"repair_on_start": before, "volume": 0.5, "speaker": "1"}
    async with Supervisor(simulator.url, TOKEN) as supervisor:
        await clear_repairs(supervisor, ("a", "b"))
    assert simulator.options["repair_on_start"] == left
    assert (simulator.options["volume"], simulator.options["speaker"]) == (0.5, "1")
    posted = [one for one in simulator.received if one.method == "POST"]
    assert len(posted) == (before != left)


async def test_what_cannot_be_repaired_stays(
    simulator: Simulator, options: AppOptions, start_server: Serve, script: Script
) -> None:
    wanted = ("en_US-nobody-low",)
    simulator.options = {"repair_on_start": list(wanted)}
    settings = replace(options.settings, repair_on_start=wanted)
    app = App(replace(options, settings=settings), TOKEN, simulator.url)
    server = await start_server(script(), app=app, repair_on_start=list(wanted), offline=True)
    await eventually(lambda: any(i.subject == wanted[0] for i in server.status.issues()))
    await eventually(lambda: simulator.services == ["wyoming"])
    assert not server.repaired_on_start.is_set()
    assert simulator.options["repair_on_start"] == list(wanted)


async def test_the_simulator_by_itself() -> None:
    arguments = ("-m", "supervisor", "--port", "0", "--token", TOKEN, "--fault", "error")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdout
    assert process.stderr
    url = (await process.stderr.readline()).decode().split()[-1]
    async with Supervisor(url, TOKEN) as supervisor:
        with pytest.raises(SupervisorError):
            await supervisor.options()
        assert (await supervisor.options())["voice"]
    lines = [json.loads(await process.stdout.readline()) for _ in range(2)]
    assert [line["status"] for line in lines] == [500, 200]
    process.terminate()
    assert await process.wait() == 0

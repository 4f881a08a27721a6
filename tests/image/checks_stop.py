"""Stopping: in every state with exit code 0, within the 10 s that Home Assistant allows."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

import psutil

from real_home_assistant.results import Findings
from support.client import connected
from support.hub import faulty_hub
from support.hub_client import real_voice
from support.hub_faults import Fault, voices_json
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH

from .bench import PORT, Bench, Server, is_gone

ALLOWED: Final = 10.0
_ABSENT: Final = "en_US-amy-medium"
_LONG: Final = "This sentence is spoken again and again until somebody stops it. " * 200
_DEGRADE_WITHIN: Final = 90.0


async def idle(bench: Bench, findings: Findings) -> None:
    """Stop when nothing happens."""
    async with bench.server() as server:
        await server.start()
        await server.first_word()
        await _stop(server, findings)


async def without_init(bench: Bench, findings: Findings) -> None:
    """With plain ``docker run`` the program is the first process, which the kernel protects."""
    async with bench.server(init=False) as server:
        await server.start()
        await _stop(server, findings)


async def loading(bench: Bench, findings: Findings) -> None:
    """Right after the start, while the voice is still being loaded."""
    async with bench.server() as server:
        await server.start()
        await _stop(server, findings)


async def speaking(bench: Bench, findings: Findings) -> None:
    """In the middle of a long text: the listener gets an error."""
    async with bench.server() as server:
        await server.start()
        async with connected(PORT) as client:
            await client.send("synthesize", text=_LONG)
            await client.until("audio-chunk")
            reading = asyncio.create_task(client.until("audio-stop"))
            await _stop(server, findings)
            outcome = await reading
        findings.require(outcome.error == "shutting-down", f"the listener got {outcome.error}")


async def downloading(bench: Bench, findings: Findings) -> None:
    """While a voice is fetched from a repository that has stopped sending."""
    files = {path.replace("joe", "amy"): data for path, data in real_voice().items()}
    files[CATALOGUE_PATH] = json.dumps(voices_json(files)).encode()
    async with faulty_hub(files) as hub:
        hub.fault(Fault.STALL, at=100)
        settings = {"WPH_HUB_ENDPOINT": hub.endpoint, "WPH_REPAIR_ON_START": _ABSENT}
        async with bench.server(settings) as server:
            await server.start()
            async with asyncio.timeout(30):
                while not hub.sent:  # noqa: ASYNC110 - the hub sends no event
                    await asyncio.sleep(0.05)
            await server.first_word()  # a download is in nobody's way
            await _stop(server, findings)


async def degraded(bench: Bench, findings: Findings) -> None:
    """When engines die so often that they are not started any more."""
    async with bench.server() as server:
        await server.start()
        await server.first_word()
        killing = asyncio.create_task(_kill(server))
        try:
            async with asyncio.timeout(_DEGRADE_WITHIN):
                while await _asked() != "voice-unavailable":
                    pass
        finally:
            killing.cancel()
        findings.require(await server.voices(), "it does not describe itself any more")
        await _stop(server, findings)


async def _asked() -> str | None:
    async with connected(PORT) as client:
        return (await client.say("Hello.")).error


async def _kill(server: Server) -> None:
    while True:
        with contextlib.suppress(psutil.NoSuchProcess):  # one may end while they are looked for
            for one in await server.container.engines():
                one.kill()
        await asyncio.sleep(0.1)


async def _stop(server: Server, findings: Findings) -> None:
    processes = await server.container.processes()
    stop = await server.container.stop()
    findings.measure("stopped in", stop.seconds)
    findings.require(stop.exit_code == 0, f"exit code {stop.exit_code}")
    findings.require(stop.seconds < ALLOWED, f"took {stop.seconds:.1f} s")
    left = [one.pid for one in processes if not is_gone(one)]
    findings.require(not left, f"processes are left: {left}")

"""Every fault of an engine at every moment: nobody hears it, and nothing is left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from conftest import Script, Serve
from support.client import connected
from support.scripted_engine import FAULTS, samples
from support.waiting import eventually
from wyoming_piper_hardened.protocol.server import WyomingServer
from wyoming_piper_hardened.restart import RestartPolicy
from wyoming_piper_hardened.workers.pool import Pool
from wyoming_piper_hardened.workers.worker import WorkerState

QUICK = RestartPolicy(backoff_delay=0.02)
PATIENCE = 0.4  # seconds without progress before an engine counts as hung
BEFORE, SICK, BEHIND = "All is well before it.", "Now comes {} ONCE.", "And all is well again."


def pool_of(server: WyomingServer) -> Pool:
    return server._synthesizer.pool


def starts(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "starts").read_text("utf-8").split()]


async def recovered(server: WyomingServer, tmp_path: Path, lives: int) -> None:
    """The pool is whole again, with exactly this many engines started, and no zombie."""
    await eventually(
        lambda: (
            all(w.state is WorkerState.RUNNING for w in pool_of(server).workers)
            and len(starts(tmp_path)) >= lives
        )
    )
    pids = starts(tmp_path)
    assert len(pids) == lives
    assert [psutil.pid_exists(pid) for pid in pids].count(True) == len(pool_of(server).workers)


@pytest.mark.parametrize("late", ["", "LATE "], ids=["before audio", "in audio"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_in_mid_request(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str, late: str
) -> None:
    server = await start_server(script(stall_timeout=PATIENCE), QUICK, data_dir=prepared_data)
    assert server.port
    sick = SICK.format(late + fault)
    async with connected(server.port) as client:
        spoken = await client.say(f"{BEFORE} {sick} {BEHIND}")
    whole = b"".join(map(samples, (BEFORE, sick, BEHIND)))
    if fault == "ENDLESS":  # its audio cannot be told from a segment's until it is too much
        assert spoken.error == "poison-segment" or len(spoken.pcm) > len(whole)
        return
    assert spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert spoken.pcm == whole
    executions = (tmp_path / "executions").read_text("utf-8").splitlines()
    assert sum(sick in line for line in executions) == 2
    await recovered(server, tmp_path, 2)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "ENDLESS"])
async def test_while_idle(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str
) -> None:
    server = await start_server(script(stall_timeout=PATIENCE), QUICK, data_dir=prepared_data)
    assert server.port
    sick = SICK.format(f"AFTER {fault}")
    async with connected(server.port) as client:
        assert (await client.say(sick)).pcm == samples(sick)
        await eventually(lambda: len(starts(tmp_path)) == 2)
        await recovered(server, tmp_path, 2)
        assert (await client.say(BEHIND)).pcm == samples(BEHIND)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "ENDLESS"])
async def test_under_load(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str
) -> None:
    server = await start_server(
        script(stall_timeout=PATIENCE), QUICK, data_dir=prepared_data, workers=2
    )
    port = server.port
    assert port
    sick = SICK.format(f"LATE {fault}")
    texts = [f"{BEFORE} {sick}"] + [f"{BEFORE} Client {n} says this. {BEHIND}" for n in range(6)]

    async def ask(text: str) -> bytes:
        async with connected(port) as client:
            return (await client.say(text)).pcm

    answers = await asyncio.gather(*map(ask, texts))
    assert answers[0] == samples(BEFORE) + samples(sick)
    for number, answer in enumerate(answers[1:]):
        parts = (BEFORE, f"Client {number} says this.", BEHIND)
        assert answer == b"".join(map(samples, parts))
    await recovered(server, tmp_path, 3)


@pytest.mark.parametrize("stubborn", [[], ["ignore-term"]], ids=["", "ignores TERM"])
@pytest.mark.parametrize("fault", ["HANG", "FROZEN", "DEAF", "MUTE"])
async def test_during_a_stop(
    start_server: Serve,
    script: Script,
    prepared_data: Path,
    tmp_path: Path,
    fault: str,
    stubborn: list[str],
) -> None:
    server = await start_server(
        script(*stubborn, synthesis_timeout=2.0), QUICK, data_dir=prepared_data
    )
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize", text=f"LATE {fault}, please.")
        await client.until("audio-chunk")
        stopping = asyncio.create_task(server.stop(0.1))
        assert (await client.until("audio-stop")).error == "shutting-down"
        await stopping
    for worker in list(pool_of(server).workers):
        worker.retire()
    await eventually(lambda: not pool_of(server).workers)
    assert not any(psutil.pid_exists(pid) for pid in starts(tmp_path))

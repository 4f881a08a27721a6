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
from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.reporting.issues import FailureKind, Stage
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.system.aio import Notifier, cancel_and_wait
from wyoming_piper_hardened.workers.pool import Pool, PoolSize
from wyoming_piper_hardened.workers.recycling import RecyclePolicy
from wyoming_piper_hardened.workers.worker import WorkerState

pytestmark = pytest.mark.long

QUICK = RestartPolicy(backoff_delay=0.02)
STALL = 1.0  # seconds without progress before an engine counts as hung
BEFORE, FAULTY, BEHIND = "All is well before it.", "Now comes {} ONCE.", "And all is well again."


def pool_of(server: Running) -> Pool:
    return server.pool


def starts(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "starts").read_text("utf-8").split()]


async def recovered(server: Running, tmp_path: Path, lives: int) -> None:
    """Wait until the pool is complete again: this many engines started, and no zombie."""
    await eventually(
        lambda: (
            all(w.state is WorkerState.RUNNING for w in pool_of(server).workers)
            and len(starts(tmp_path)) >= lives
        )
    )
    pids = starts(tmp_path)
    assert len(pids) == lives
    assert [psutil.pid_exists(pid) for pid in pids].count(True) == len(pool_of(server).workers)


async def all_end(server: Running, tmp_path: Path) -> None:
    """Every worker stops on request, and no engine is left."""
    for worker in list(pool_of(server).workers):
        worker.retire()
    await eventually(lambda: not pool_of(server).workers)
    assert not any(psutil.pid_exists(pid) for pid in starts(tmp_path))


@pytest.mark.parametrize("late", ["", "LATE "], ids=["before audio", "in audio"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_in_mid_request(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str, late: str
) -> None:
    server = await start_server(
        script(stall_timeout=STALL, kill_delay=0.2), QUICK, data_dir=prepared_data
    )
    assert server.port
    faulty = FAULTY.format(late + fault)
    async with connected(server.port) as client:
        spoken = await client.say(f"{BEFORE} {faulty} {BEHIND}")
    expected = b"".join(map(samples, (BEFORE, faulty, BEHIND)))
    if (
        fault == "ENDLESS"
    ):  # its audio cannot be distinguished from a segment's until it is too much
        assert spoken.types[-1] == "audio-stop"
        assert spoken.pcm.startswith(samples(BEFORE))
        assert spoken.pcm.endswith(samples(BEHIND))
        return
    assert spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert spoken.pcm == expected
    executions = (tmp_path / "executions").read_text("utf-8").splitlines()
    assert sum(faulty in line for line in executions) == 2
    await recovered(server, tmp_path, 2)


@pytest.mark.parametrize("moment", ["first request", "under load", "during a stop"])
@pytest.mark.parametrize("fault", ["die", "hang", "babble", *sorted(FAULTS.keys() - {"GIVE-UP"})])
async def test_fault_before_the_engine_is_ready(
    start_server: Serve,
    script: Script,
    prepared_data: Path,
    tmp_path: Path,
    fault: str,
    moment: str,
) -> None:
    """The first process fails before it is ready; requests made before are served by the next."""
    command = script(f"{fault}-once", start_timeout=STALL, kill_delay=0.2)
    server = await start_server(command, QUICK, data_dir=prepared_data)
    port = server.port
    assert port

    async def ask(number: int) -> bytes:
        async with connected(port) as client:
            return (await client.say(f"Client {number} says this.")).pcm

    if moment == "during a stop":
        await eventually((tmp_path / "starts").exists)
        await all_end(server, tmp_path)
        return
    count = 1 if moment == "first request" else 6
    answers = await asyncio.gather(*map(ask, range(count)))
    assert answers == [samples(f"Client {number} says this.") for number in range(count)]
    await recovered(server, tmp_path, 2)


async def test_engine_over_its_memory_in_mid_segment_is_killed(
    script: Script,
) -> None:
    command = script(stall_timeout=60.0, kill_delay=0.2)
    pool = Pool(
        lambda: command,
        PoolSize(recycling=RecyclePolicy(memory_limit=100 << 20, memory_interval=0.02)),
        RestartDecider(QUICK),
        Metrics(),
        notifier=Notifier(),
        on_unloadable=lambda *_: None,
    )
    text = FAULTY.format("LATE GREEDY")
    running = asyncio.create_task(pool.run())
    request = SegmentRequest(text, VoiceVersion(Path("/a.onnx")))
    job = pool.submit(request, pool.listener())
    assert b"".join([pcm async for pcm in job.audio()]) == samples(text)
    (worker,) = pool.workers
    failure = worker.last_failure
    assert failure
    assert (failure.kind, failure.at) == (FailureKind.MEMORY, Stage.SPEAKING)
    assert failure.detail["megabytes"] > 200
    await cancel_and_wait(running)


async def test_slow_engine_is_waited_for(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path
) -> None:
    server = await start_server(
        script(stall_timeout=5.0, kill_delay=0.2), QUICK, data_dir=prepared_data
    )
    assert server.port
    slow = "This one comes LATE and SLOW, chunk by chunk."
    async with connected(server.port) as client:
        assert (await client.say(slow)).pcm == samples(slow)
    assert len(starts(tmp_path)) == 1


async def test_request_does_not_wait_for_ever(
    start_server: Serve, script: Script, prepared_data: Path
) -> None:
    server = await start_server(
        script(synthesis_timeout=60.0, kill_delay=0.2),
        QUICK,
        data_dir=prepared_data,
        request_timeout=5,
    )
    port = server.port
    assert port
    async with connected(port) as busy, connected(port) as waiting:
        await busy.send("synthesize", text="LATE HANG, for the other one to wait.")
        await busy.until("audio-chunk")
        assert (await waiting.say("It is my turn.")).error == "deadline-exceeded"
        assert pool_of(server).status().waiting_segments == 0


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "ENDLESS"])
async def test_fault_while_idle(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str
) -> None:
    server = await start_server(
        script(stall_timeout=STALL, kill_delay=0.2), QUICK, data_dir=prepared_data
    )
    assert server.port
    faulty = FAULTY.format(f"AFTER {fault}")
    async with connected(server.port) as client:
        assert (await client.say(faulty)).pcm == samples(faulty)
        await eventually(lambda: len(starts(tmp_path)) == 2)
        await recovered(server, tmp_path, 2)
        assert (await client.say(BEHIND)).pcm == samples(BEHIND)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "ENDLESS"])
async def test_fault_under_load(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str
) -> None:
    server = await start_server(
        script(stall_timeout=STALL, kill_delay=0.2), QUICK, data_dir=prepared_data, workers=2
    )
    port = server.port
    assert port
    faulty = FAULTY.format(f"LATE {fault}")
    texts = [f"{BEFORE} {faulty}"] + [f"{BEFORE} Client {n} says this. {BEHIND}" for n in range(6)]

    async def ask(text: str) -> bytes:
        async with connected(port) as client:
            return (await client.say(text)).pcm

    answers = await asyncio.gather(*map(ask, texts))
    assert answers[0] == samples(BEFORE) + samples(faulty)
    for number, answer in enumerate(answers[1:]):
        parts = (BEFORE, f"Client {number} says this.", BEHIND)
        assert answer == b"".join(map(samples, parts))
    await recovered(server, tmp_path, 3)


@pytest.mark.parametrize("late", ["", "LATE "], ids=["before audio", "in audio"])
@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "ENDLESS"])
async def test_fault_with_several_open_segments(
    start_server: Serve, script: Script, prepared_data: Path, tmp_path: Path, fault: str, late: str
) -> None:
    """Only what was being computed is a suspect; what was merely open goes on, uncharged."""
    server = await start_server(
        script(stall_timeout=STALL, kill_delay=0.2),
        QUICK,
        data_dir=prepared_data,
        workers=1,
        threads_per_worker=2,
    )
    port = server.port
    assert port
    faulty = FAULTY.format(late + fault)
    texts = [faulty] + [f"Client {n} has rather a lot to say{' and more' * 9}." for n in range(6)]

    async def ask(text: str) -> bytes:
        async with connected(port) as client:
            return (await client.say(text)).pcm

    assert await asyncio.gather(*map(ask, texts)) == list(map(samples, texts))
    await recovered(server, tmp_path, 2)
    pool = pool_of(server)
    replays = pool.metrics.registry.get_sample_value("wyoming_piper_replays_total")
    assert replays in {1, 2}  # one or both of the threads were computing
    assert pool.status().quarantined_texts == 0
    assert not pool.status().unavailable_voices


@pytest.mark.parametrize("stubborn", [[], ["ignore-term"]], ids=["", "ignores TERM"])
@pytest.mark.parametrize("fault", ["HANG", "FROZEN", "DEAF", "MUTE"])
async def test_fault_during_a_stop(
    start_server: Serve,
    script: Script,
    prepared_data: Path,
    tmp_path: Path,
    fault: str,
    stubborn: list[str],
) -> None:
    server = await start_server(
        script(*stubborn, synthesis_timeout=2.0, kill_delay=0.2), QUICK, data_dir=prepared_data
    )
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize", text=f"LATE {fault}, please.")
        await client.until("audio-chunk")
        stopping = asyncio.create_task(server.wyoming.stop())
        assert (await client.until("audio-stop")).error == "shutting-down"
        await stopping
    await all_end(server, tmp_path)

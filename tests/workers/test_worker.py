"""Engines that die, hang and babble: what the listener hears and the log says. Real processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from conftest import Script, Serve
from support.client import connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.workers import worker
from wyoming_piper_hardened.workers.failures.failure_policy import SegmentOutcome
from wyoming_piper_hardened.workers.worker import Worker, WorkerState


def port_of(server: Running) -> int:
    assert server.port
    return server.port


def worker_of(server: Running) -> Worker:
    return server.pool.workers[0]


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def failures(caplog: pytest.LogCaptureFixture) -> list[Failure]:
    """Return the failures of workers in the log, where nothing else may be amiss with them."""
    found = []
    for record in caplog.records:
        if record.levelno >= logging.WARNING and record.name == worker.__name__:
            assert isinstance(record.msg, Event)
            assert record.msg.name in {"worker-failed", "worker-fatal"}
            found.append(record.msg.params["failure"])
    return found


@pytest.mark.parametrize(
    "order", ["CRASH", "LATE CRASH", "BABBLE", "LATE BABBLE", "HALF", "LATE HALF"]
)
async def test_failure_in_mid_segment_costs_the_listener_nothing(
    start_server: Serve,
    script: Script,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    order: str,
) -> None:
    server = await start_server(script())
    text = f"Please {order} ONCE."
    async with connected(port_of(server)) as client:
        spoken = await client.say(f"Before it all is well. {text} And after it too.")
    assert spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
    parts = ["Before it all is well.", text, "And after it too."]
    assert spoken.pcm == b"".join(samples(part) for part in parts)
    assert sum(text in line for line in lines(tmp_path / "executions")) == 2
    (failure,) = failures(caplog)
    segment = failure.detail["segment"]
    assert segment["characters"] == len(text)
    assert segment["outcome"] is SegmentOutcome.REPLAYED
    assert (segment["sample"] > 0) == order.startswith("LATE")
    assert order not in caplog.text  # never the text


async def test_replay_continues_after_the_last_sample(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script())
    text = "LATE CRASH ONCE, please."
    async with connected(port_of(server)) as client:
        assert (await client.say(text)).pcm == samples(text)
    first, second = lines(tmp_path / "executions")
    assert first == f"0 {text}"
    assert int(second.split()[0]) > 0


async def test_hung_engine_is_killed_at_the_deadline(
    start_server: Serve, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(script(synthesis_timeout=2.0))
    async with connected(port_of(server)) as client:
        assert (await client.say("HANG ONCE, please.")).types[-1] == "audio-stop"
    hung, _ = lines(tmp_path / "starts")
    assert not psutil.pid_exists(int(hung))
    (failure,) = failures(caplog)
    assert (failure.kind, failure.at) == (FailureKind.HUNG, Stage.SPEAKING)
    assert failure.detail["seconds"] == 2.0


async def test_engine_that_ignores_term_is_killed(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script("ignore-term", synthesis_timeout=2.0, kill_delay=0.2))
    async with connected(port_of(server)) as client:
        assert (await client.say("HANG ONCE, please.")).types[-1] == "audio-stop"
    assert not psutil.pid_exists(int(lines(tmp_path / "starts")[0]))


@pytest.mark.parametrize(
    ("order", "code", "limits"),
    [
        ("CRASH", "text-quarantined", {}),
        ("LATE CRASH", "text-quarantined", {}),
        ("HANG", "text-quarantined", {"synthesis_timeout": 2.0}),
        ("LATE HANG", "text-quarantined", {"synthesis_timeout": 2.0}),
        ("ERROR", "synthesis-failed", {}),
        ("ENDLESS", "text-quarantined", {}),
    ],
)
async def test_segment_that_always_fails_is_an_error_and_the_next_request_works(
    start_server: Serve,
    script: Script,
    tmp_path: Path,
    order: str,
    code: str,
    limits: dict[str, float],
) -> None:
    server = await start_server(script(**limits))
    async with connected(port_of(server)) as client:
        answer = await client.say(f"Do {order} please.")
        assert answer.error == code
        assert answer.types[-1] == "error"
        assert await client.ended()
    assert len(lines(tmp_path / "executions")) == (1 if order == "ERROR" else 2)
    async with connected(port_of(server)) as client:
        assert (await client.say("Hello there.")).pcm == samples("Hello there.")


async def test_engine_killed_while_idle_is_replaced(
    start_server: Serve, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(script())
    async with connected(port_of(server)) as client:
        await client.say("Hello there.")
        os.kill(int(lines(tmp_path / "starts")[0]), signal.SIGKILL)
        await eventually(lambda: failures(caplog))  # else it might die at the next segment
        assert (await client.say("Hello again.")).pcm == samples("Hello again.")
    assert failures(caplog) == [Failure(FailureKind.SIGNAL, Stage.IDLE, {"signal": "SIGKILL"})]


async def test_requests_wait_for_the_first_worker(start_server: Serve, script: Script) -> None:
    server = await start_server(script())
    async with connected(port_of(server)) as one, connected(port_of(server)) as two:
        assert worker_of(server).state is not WorkerState.RUNNING
        both = await asyncio.gather(one.say("The first."), two.say("The second."))
    assert [spoken.types[-1] for spoken in both] == ["audio-stop", "audio-stop"]


FAST = RestartPolicy(backoff_delay=0.005)


@pytest.mark.parametrize(
    ("order", "starts", "kind"),
    [
        ("exit3", 1, FailureKind.START),
        ("die", 5, FailureKind.EXIT),
        ("babble", 5, FailureKind.PROTOCOL),
    ],
)
async def test_engine_that_never_starts_is_not_started_for_ever(
    start_server: Serve,
    script: Script,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    order: str,
    starts: int,
    kind: FailureKind,
) -> None:
    server = await start_server(script(order), FAST)
    for _ in range(2):
        async with connected(port_of(server)) as client:
            await client.send("describe")
            assert (await client.until("info")).types == ["info"]
            assert (await client.say("Is anybody there?")).error == "voice-unavailable"
    assert worker_of(server).state is WorkerState.FATAL
    assert len(lines(tmp_path / "starts")) == starts
    assert [r.levelno for r in caplog.records].count(logging.ERROR) == 1
    assert {failure.kind for failure in failures(caplog)} == {kind}


async def test_probe_finds_the_engine_repaired(start_server: Serve, script: Script) -> None:
    repaired = script()
    command = replace(repaired, arguments=("/nonexistent/engine",))
    commands = [command]
    server = await start_server(
        lambda: commands[-1], RestartPolicy(backoff_delay=0.005, probe_delay=0.5)
    )
    async with connected(port_of(server)) as client:
        assert (await client.say("Is anybody there?")).error == "voice-unavailable"
    failure = worker_of(server).last_failure
    assert failure
    assert failure.kind is FailureKind.SPAWN
    commands.append(repaired)
    await eventually(lambda: worker_of(server).state is WorkerState.RUNNING)
    async with connected(port_of(server)) as client:
        assert (await client.say("Hello there.")).pcm == samples("Hello there.")


async def test_client_that_leaves_cancels_its_segments(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(synthesis_timeout=2.0))
    sentences = [f"HANG ONCE in sentence {number}." for number in range(20)]
    async with connected(port_of(server)) as leaver:
        await leaver.send("synthesize", text=" ".join(sentences))
        await eventually(lambda: lines(tmp_path / "executions"))
    async with connected(port_of(server)) as client:
        assert (await client.say("Hello there.")).pcm == samples("Hello there.")
    assert len(lines(tmp_path / "executions")) <= 3  # the hung one, perhaps one more, and hello


async def test_request_beyond_the_queue_is_rejected_at_once(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script(synthesis_timeout=30), max_queue=2, workers=1)
    async with contextlib.AsyncExitStack() as stack:
        *waiting, refused = [
            await stack.enter_async_context(connected(port_of(server))) for _ in range(4)
        ]
        for number, client in enumerate(waiting):
            await client.send("synthesize", text=f"LATE HANG now, number {number}.")
            await client.send("ping")
            await client.until("pong")
        assert (await refused.say("One too many.")).error == "overloaded"


async def test_many_who_are_told_the_same_take_no_place_in_the_queue(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    """Seven where three may wait: one is computed, hangs, is spoken again, and all hear it."""
    server = await start_server(script(stall_timeout=1.0), max_queue=3, workers=1)
    text = "LATE HANG ONCE, please."

    async def ask() -> bytes | str:
        async with connected(port_of(server)) as client:
            spoken = await client.say(text)
            return spoken.error or spoken.pcm

    assert await asyncio.gather(*(ask() for _ in range(7))) == [samples(text)] * 7
    assert len(lines(tmp_path / "executions")) == 2
    assert server.pool.status().requests == 0


async def test_client_that_reads_nothing_delays_nobody(start_server: Serve, script: Script) -> None:
    server = await start_server(script())
    text = " ".join(f"This is sentence number {number} of a long story." for number in range(400))
    async with connected(port_of(server)) as stuck, connected(port_of(server)) as client:
        await stuck.send("synthesize", text=text)
        for _ in range(5):
            assert (await client.say("Hello there.")).pcm == samples("Hello there.")


async def test_stop_ends_requests_with_an_error_and_leaves_no_process(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script("ignore-term", kill_delay=0.2), workers=2)
    await eventually(lambda: len(lines(tmp_path / "starts")) == 2)
    async with connected(port_of(server)) as client:
        await client.send("synthesize", text="LATE HANG, please.")
        await client.until("audio-chunk")
        stopping = asyncio.create_task(server.wyoming.stop())
        answer = await client.until("audio-stop")
        assert answer.error == "shutting-down"
        await stopping
    pids = [int(line) for line in lines(tmp_path / "starts")]
    assert len(pids) == 2

"""The integration's client and the real web server understand each other."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import wave
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

import aiohttp
import pytest
from client import (
    Action,
    CannotConnectError,
    Client,
    ClientError,
    Counters,
    InvalidAuthError,
    IssueKind,
    NotPiperHardenedError,
    Outcome,
    ReadOnlyError,
    ServerError,
    State,
    StreamError,
    VoiceState,
)

from conftest import Script
from support.both_servers import Open, Site, own_address
from support.hub import faulty_hub
from support.hub_voices import AMY, JOE, amys_files
from wyoming_piper_hardened import __version__
from wyoming_piper_hardened.reporting import issues as server_issues
from wyoming_piper_hardened.voices import job as server_job
from wyoming_piper_hardened.web.bodies import shapes as server_shapes

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests


@contextlib.asynccontextmanager
async def asking(
    site: Site, token: str | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Client]:
    assert site.web.port
    async with aiohttp.ClientSession() as session:
        yield Client(session, host, site.web.port, token)


async def state_when(client: Client, wanted: str) -> State:
    """Return the first state that has a finished job of that id."""
    async with asyncio.timeout(180), contextlib.aclosing(client.events()) as events:
        async for event in events:
            if isinstance(event, State) and wanted in {job.id for job in event.finished_jobs}:
                return event
    raise AssertionError(wanted)


async def test_identity_and_state_are_read(
    open_site: Open, script: Script, prepared_data: Path
) -> None:
    site = await open_site(script())
    await site.hear(text="It is well.")
    async with asking(site) as client:
        info = await client.info()
        assert info.server_id == (prepared_data / "server-id").read_text().strip()
        assert (info.version, info.needs_token, info.app) == (__version__, False, False)
        assert await client.may_change()
        state, counters = await client.snapshot()
        async with contextlib.aclosing(client.events()) as events:
            pushed = [await anext(events) for _ in range(2)]
    assert pushed == [state, counters]
    assert (state.server_id, state.version) == (info.server_id, __version__)
    assert (state.ready, state.voice, state.speaks) == (True, JOE, JOE)
    assert state.started_at > 1_700_000_000
    assert state.workers_running == state.workers_total > 0
    assert [(one.name, one.state) for one in state.voices] == [(JOE, VoiceState.EMBEDDED)]
    assert (counters.requests, counters.failed_requests, counters.queue) == (1, 0, 0)
    assert counters.memory > 10
    assert counters.first_audio is not None


async def test_token_is_needed_and_taken(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_token=TOKEN)
    for wrong in (None, "wrong", "ü"):
        async with asking(site, wrong) as client:
            assert (await client.info()).needs_token
            for call in (client.may_change, client.snapshot, client.restart_workers):
                with pytest.raises(InvalidAuthError) as caught:
                    await call()
                assert TOKEN not in str(caught.value)
    async with asking(site, TOKEN) as client:
        assert await client.may_change()
        await client.restart_workers()


async def test_paired_token_opens_a_server_that_trusts_a_proxy_alone(
    open_site: Open, script: Script
) -> None:
    if (address := own_address()) is None:
        pytest.skip("this machine has no address but loopback")
    site = await open_site(script(), web_uri="http://0.0.0.0:0", web_trusted=["192.0.2.1"])
    token = "paired-" + 40 * "x"
    async with asking(site, token, address) as client:
        assert (await client.info()).api == 1
        with pytest.raises(ReadOnlyError):
            await client.snapshot()
        await site.server.control.pairing.replace(token)
        try:
            assert await client.may_change()
            await client.restart_workers()
        finally:
            await site.server.control.pairing.replace(None)


async def test_other_machine_may_look_but_not_change(open_site: Open, script: Script) -> None:
    if (address := own_address()) is None:
        pytest.skip("this machine has no address but loopback")
    site = await open_site(script(), web_uri="http://0.0.0.0:0")
    async with asking(site, host=address) as client:
        assert not await client.may_change()
        assert (await client.snapshot())[0].voice == JOE
        with pytest.raises(ReadOnlyError):
            await client.restart_workers()


async def test_ipv6_and_names_are_addresses(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_uri="http://[::]:0")
    for host in ("::1", "LOCALHOST"):
        async with asking(site, host=host) as client:
            assert (await client.info()).api == 1


async def test_wyoming_port_is_no_web_server(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    assert site.server.port
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NotPiperHardenedError):
            await Client(session, "127.0.0.1", site.server.port).info()


async def test_jobs_are_followed_by_their_id(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    async with asking(site) as client:
        job = await client.start(Action.VERIFY, JOE)
        assert (job.voice, job.action) == (JOE, Action.VERIFY)
        state = await state_when(client, job.id)
        assert state.finished_jobs[-1].outcome is Outcome.DONE
        assert not state.issues
        (model,) = own_data.glob(f"voices/{JOE}/*-*/{JOE}.onnx.json")
        await asyncio.to_thread(model.unlink)
        state = await state_when(client, (await client.start(Action.VERIFY, JOE)).id)
        (issue,) = state.issues
        assert (issue.kind, issue.subject, issue.needed) == (IssueKind.DAMAGED, JOE, True)
        assert (issue.applicable, issue.dismissible) == (True, False)
        assert issue.damage
        with pytest.raises(ServerError) as caught:
            await client.dismiss(issue.id)
        assert (caught.value.status, caught.value.code) == (409, "manual-action-required")
        applied = await client.apply(issue.id)
        assert applied is not None
        state = await state_when(client, applied.id)
        assert state.finished_jobs[-1].outcome is Outcome.DONE
        assert not state.issues


async def test_voice_is_installed_listed_and_removed(
    open_site: Open, script: Script, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        site = await open_site(script(), data_dir=own_data, hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        async with asking(site) as client:
            (listed,) = await client.voices("en", installed=False)
            assert (listed.name, listed.state) == (AMY, VoiceState.AVAILABLE)
            state = await state_when(client, (await client.start(Action.INSTALL, AMY)).id)
            (amy,) = [one for one in state.voices if one.name == AMY]
            assert amy.version == amy.available_version == listed.available_version is not None
            assert {one.name for one in await client.voices(installed=True)} == {AMY, JOE}
            await client.remove(AMY)
            assert {one.name for one in await client.voices(installed=True)} == {JOE}


async def test_refusals_have_their_code(open_site: Open, script: Script) -> None:
    site = await open_site(script(), offline=True)
    async with asking(site) as client:
        missing = [
            (client.start(Action.REPAIR, AMY), 404, "voice-not-installed"),
            (client.remove(AMY), 404, "voice-not-installed"),
            (client.apply("damaged:x"), 404, "issue-not-found"),
            (client.reset_breaker("x"), 404, "voice-not-found"),
            (client.start(Action.REPAIR, "../../etc/passwd"), 400, "bad-request"),
            (client.start(Action.REPAIR, ".."), 400, "bad-request"),
        ]
        for call, status, code in missing:
            with pytest.raises(ServerError) as caught:
                await call
            assert (caught.value.status, caught.value.code) == (status, code)
        await client.reset_breaker()
        await client.reset_breaker(JOE)


async def test_default_voice_is_chosen_and_shown(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await site.client.put("/api/presets/Joe, slowly", json={"voice": JOE, "length_scale": 1.3})
    async with asking(site) as client:
        assert "default-voice" in (await client.info()).features
        await client.set_default_voice("joe, slowly")
        state, _ = await client.snapshot()
        assert (state.default_voice, state.voice) == ("Joe, slowly", JOE)
        assert state.presets == ("Joe, slowly",)
        with pytest.raises(ServerError) as caught:
            await client.set_default_voice(AMY)
        assert (caught.value.status, caught.value.code) == (404, "voice-not-found")


async def test_speech_comes_as_a_file_and_as_a_stream(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with asking(site) as client:
        async with client.speak({"text": "It is well.", "stream": False}) as pieces:
            whole = b"".join([piece async for piece in pieces])
        with wave.open(io.BytesIO(whole)) as audio:
            assert audio.getnframes() * 2 + 44 == len(whole)
        async with client.speak({"text": "It is well.", "language": "en"}) as pieces:
            assert len(b"".join([piece async for piece in pieces])) == len(whole)
        with pytest.raises(ServerError) as caught:
            async with client.speak({"text": " "}):
                pass
        assert (caught.value.status, caught.value.code) == (400, "empty-text")

        async def hear() -> None:
            async with client.speak({"text": "It is well. LATE ERROR."}) as pieces:
                async for _ in pieces:
                    pass

        with pytest.raises(ClientError):
            await hear()


async def test_killed_worker_is_told_at_once(open_site: Open, script: Script) -> None:
    site = await open_site(script(), workers=1)
    async with asking(site) as client, contextlib.aclosing(client.events()) as events:
        async for event in events:
            if isinstance(event, State) and event.ready:
                break
        process = site.server.pool.workers[0].status().pid
        assert process is not None
        os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(2):
            async for event in events:
                if isinstance(event, State) and event.worker_restarts == 1:
                    break


async def test_end_of_the_server_ends_the_stream(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with asking(site) as client, contextlib.aclosing(client.events()) as events:
        assert isinstance(await anext(events), State)
        assert isinstance(await anext(events), Counters)
        await site.web.stop()
        with pytest.raises((StreamError, CannotConnectError)):
            await anext(events)
        with pytest.raises(CannotConnectError):
            await client.info()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (IssueKind, server_issues.IssueKind),
        (Action, server_job.Action),
        (Outcome, server_job.Outcome),
        (VoiceState, server_shapes.VoiceState),
    ],
)
def test_every_value_of_the_server_is_known(ours: type[StrEnum], theirs: type[StrEnum]) -> None:
    assert {str(one) for one in ours} == {str(one) for one in theirs} | {"other"}

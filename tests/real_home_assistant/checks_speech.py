"""Checks that ask for speech by REST, as announcements and automations do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .bench import Spoken, decodes, hear, unique
from .tap import Side, settle

if TYPE_CHECKING:
    from .bench import Bench
    from .results import Findings

SENTENCE = (
    "The washing machine has finished, and the door of the garage is still open. "
    "It will be dark in half an hour."
)

DESCRIBE_WITHIN = 1.0
"""Seconds after which the oldest supported core gives up on `describe`."""

ASK_AGAIN_AFTER = 0.2

UNANSWERED = float("inf")


async def mp3(bench: Bench, findings: Findings) -> None:
    """Check the default format."""
    spoken = await bench.speak(unique(SENTENCE))
    hear(findings, spoken)
    findings.require(spoken.audio.codec == "mp3", f"it is {spoken.audio.codec}, not mp3")


async def satellite_wav(bench: Bench, findings: Findings) -> None:
    """Check the format of voice satellites: WAV, 16 kHz, 16 bit, mono."""
    spoken = await bench.speak(
        unique(SENTENCE),
        preferred_format="wav",
        preferred_sample_rate=16_000,
        preferred_sample_channels=1,
        preferred_sample_bytes=2,
    )
    hear(findings, spoken)
    got = (spoken.audio.codec, spoken.audio.rate, spoken.audio.channels)
    findings.require(got == ("pcm_s16le", 16_000, 1), f"the format is {got}")


async def named_voice(bench: Bench, findings: Findings) -> None:
    """Check a voice that the user chose; Home Assistant passes its name on."""
    voice = bench.engine.voice
    spoken = await bench.speak(unique(SENTENCE), voice=voice)
    hear(findings, spoken)
    asked = [
        (data.get("voice") or {}).get("name")
        for connection in spoken.connections
        for data in connection.data_of("synthesize", "synthesize-start")
    ]
    findings.require(asked and set(asked) == {voice}, f"asked for {asked}, not for {voice}")


async def cached(bench: Bench, findings: Findings) -> None:
    """Check the same text twice: Home Assistant keeps the first answer and does not ask again."""
    text = unique(SENTENCE)
    first, second = await bench.speak(text), await bench.speak(text)
    hear(findings, second)
    findings.require(len(first.connections) == 1, f"{len(first.connections)} connections at first")
    findings.require(not second.connections, "it asked the server again")
    findings.require(first.playback.body == second.playback.body, "the second answer differs")


async def five_at_once(bench: Bench, findings: Findings) -> None:
    """Five rooms speak at the same moment, and `describe` is answered meanwhile."""
    position = len(bench.tap.connections)
    began = time.monotonic()
    requests = [asyncio.create_task(bench.speak(unique(SENTENCE))) for _ in range(5)]
    slowest_describe = 0.0
    try:
        while not all(request.done() for request in requests):
            slowest_describe = max(slowest_describe, await bench.tap.describe())
            await asyncio.wait(requests, timeout=ASK_AGAIN_AFTER)
    finally:
        for request in requests:
            request.cancel()
    all_spoken = [request.result() for request in requests]
    for spoken in all_spoken:
        hear(findings, spoken)
    findings.wyoming[:] = [one.transcript() for one in bench.tap.connections[position:]]
    first_bytes = [spoken.playback.first_byte or float("inf") for spoken in all_spoken]
    findings.measurements.clear()
    findings.measure("first bytes from", min(first_bytes))
    findings.measure("to", max(first_bytes))
    findings.measure("all done", time.monotonic() - began)
    findings.measure("audio", sum(spoken.audio.seconds for spoken in all_spoken))
    findings.measure("slowest describe", slowest_describe)
    findings.require(slowest_describe < DESCRIBE_WITHIN, f"describe: {slowest_describe:.1f} s")


async def emoji_only(bench: Bench, findings: Findings) -> None:
    """Nothing in it is a word."""
    decodes(findings, await bench.speak("\N{PARTY POPPER}\N{SPARKLES}\N{BALLOON}\ufe0f"))


async def marks_only(bench: Bench, findings: Findings) -> None:
    """Markdown and punctuation without a word, as a language model may answer."""
    decodes(findings, await bench.speak(" **--** ... \n\n* \n"))


async def reload(bench: Bench, findings: Findings) -> None:
    """Check that the entity speaks again after the integration is reloaded."""
    outcome = await bench.client.request(
        "POST", f"/api/config/config_entries/entry/{bench.entry_id}/reload"
    )
    findings.require(outcome == {"require_restart": False}, f"the answer was {outcome}")
    hear(findings, await bench.speak(unique(SENTENCE)))


async def describe_in_time(bench: Bench, findings: Findings) -> None:
    """Every `describe` that Home Assistant sent in this run got its answer at once."""
    delays: list[float] = []
    await settle(bench.tap.connections, DESCRIBE_WITHIN)
    for connection in bench.tap.connections:
        asked, answered_at = connection.when("describe"), connection.when("info")
        if asked is not None:
            delays.append(UNANSWERED if answered_at is None else answered_at - asked)
    answered = [delay for delay in delays if delay != UNANSWERED]
    late = [delay for delay in answered if delay >= DESCRIBE_WITHIN]
    findings.measure("asked", len(delays), "times")
    findings.measure("slowest", max(answered, default=None))
    unreached = [one for one in bench.tap.connections if one.problem and not one.seen]
    findings.require(not unreached, f"{len(unreached)} times it could not even connect")
    findings.require(delays, "it never asked")
    findings.require(len(answered) == len(delays), "one was not answered while anyone waited")
    findings.require(not late, f"{len(late)} answered too late for the oldest core")


async def unknown_voice(bench: Bench, findings: Findings) -> None:
    """Check that a voice that is not there is an error now, and not a hang."""
    text, within = unique(SENTENCE), 10.0
    refused = await bench.speak(text, within, voice="xx_XX-nobody-medium")
    findings.measure("ended after", refused.playback.finished)
    findings.wyoming += [one.transcript() for one in refused.connections]
    findings.require(
        refused.playback.problem is None, f"the user waits: {refused.playback.problem}"
    )
    findings.require(not _heard(refused), f"{refused.audio.seconds:.1f} s of audio")
    if bench.errors_reach_the_user:
        findings.require(refused.playback.status == 500, f"HTTP status {refused.playback.status}")
        errors = [data for one in refused.connections for data in one.data_of("error")]
        trouble = "; ".join(one.problem or "" for one in refused.connections)
        findings.require(errors, f"no error event came through {trouble}".strip())
        findings.measurements["error"] = next((str(data.get("text")) for data in errors), "nothing")
        again = await bench.speak(text, within, voice="xx_XX-nobody-medium")
        findings.require(again.connections, "Home Assistant has cached the failure")
    else:
        by_server = [one.ended_by is Side.SERVER for one in refused.connections]
        findings.require(by_server == [True], "the server did not close the connection")
    after = await bench.speak(unique(SENTENCE))
    findings.require(_heard(after), "it does not speak afterwards")


def _heard(spoken: Spoken) -> bool:
    return spoken.playback.status == 200 and spoken.audio.seconds > 0

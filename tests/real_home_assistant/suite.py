"""One Home Assistant, the server added to it, and every check, one after the other."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import platform
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from . import (
    checks_app,
    checks_assist,
    checks_page,
    checks_presets,
    checks_speech,
    checks_text,
)
from .bench import Bench
from .checks_companion import Companion
from .client import Client
from .home_assistant import SUPERVISOR_PORT, EndedError, HomeAssistant
from .ingress import Supervisor
from .installation import add_integration, create_pipeline, find_engine
from .recorder import Recorder
from .tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .network import Outside
    from .results import Findings

SUITES = {"newest": True, "oldest": False}
"""Whether the suite's core shows its user the text of a Wyoming `error` event, and whether its
ingress lets a stream of events pass at once."""

CHECKS: dict[str, Callable[[Bench, Findings], Awaitable[None]]] = {
    "REST, mp3": checks_speech.mp3,
    "REST, wav of 16 kHz for satellites": checks_speech.satellite_wav,
    "REST, a voice by name": checks_speech.named_voice,
    "REST, the same text again, from the cache": checks_speech.cached,
    "Assist, plain": checks_assist.plain,
    "Assist, streamed": checks_assist.streamed,
    "Assist, streamed, 6 s pause in a sentence": checks_assist.streamed_with_pause,
    "five requests at once": checks_speech.five_at_once,
    "an unknown voice": checks_speech.unknown_voice,
    "empty text": checks_assist.empty,
    "only emoji": checks_speech.emoji_only,
    "only emoji, streamed": checks_assist.emoji_streamed,
    "only punctuation": checks_speech.marks_only,
    "reload of the integration": checks_speech.reload,
    "describe is always answered in time": checks_speech.describe_in_time,
}

PAGE_CHECKS: dict[str, Callable[[Bench, Findings], Awaitable[None]]] = {
    "ingress, the page and its parts": checks_page.parts,
    "ingress, news": checks_page.news,
    "ingress, speech while it is made": checks_page.speech,
    "ingress, a file larger than 16 MB": checks_page.large_file,
    "ingress, changes": checks_page.changes,
    "a preset in the voice picker": checks_presets.slowly,
    "a template's state in three languages": checks_text.template,
    "Assist, markdown and a thought": checks_text.markdown,
}


@dataclass(frozen=True, slots=True)
class Order:
    """Subject of the checks, and the place of the results."""

    suite: str
    host: str
    port: int
    web_port: int | None
    """Where the server's page is; None for a server without one that we may see."""
    voice: str | None
    """The voice to speak with; None for any that the server offers."""
    folder: Path
    """Gets `<suite>.json`, the results, and `<suite>/`, Home Assistant's own folder."""


async def run(order: Order, outside: Outside) -> None:
    """Run the suite and write its results."""
    recorder, began = Recorder(), time.monotonic()
    version = importlib.metadata.version("homeassistant")
    print(f"Home Assistant {version}, Python {platform.python_version()}", flush=True)
    async with HomeAssistant(order.folder / order.suite) as home_assistant:
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(home_assistant.watch())
                tap = Tap(lambda: outside.connect(order.host, order.port))
                await _check_server(order, recorder, tap, outside)
                watching.cancel()
        except* EndedError as ended:
            recorder.fail("Home Assistant keeps running", str(ended.exceptions[0]))
    if order.web_port is not None:
        title = "a Home Assistant without the integration logs nothing of it"
        plain = checks_app.Plain(order.folder, order.suite, outside, order.host, order.port)
        await recorder.run(title, plain.check)
    outcome = {
        "suite": order.suite,
        "home_assistant": version,
        "python": platform.python_version(),
        "seconds": round(time.monotonic() - began, 1),
        "checks": [result.as_json() for result in recorder.results],
        "home_assistant_complaints": home_assistant.rate_limit(),
    }
    results = order.folder / f"{order.suite}.json"
    results.write_text(json.dumps(outcome, indent=1, ensure_ascii=False))


async def _check_server(order: Order, recorder: Recorder, tap: Tap, outside: Outside) -> None:
    """Install the server step by step, each needing the one before, then run all checks."""
    async with AsyncExitStack() as stack:
        client = await recorder.run(
            "Home Assistant starts", lambda _: stack.enter_async_context(Client.open())
        )
        if client is None:
            return
        wyoming_port = await tap.listen()
        entry_id = await recorder.run(
            "config flow", lambda findings: add_integration(findings, client, wyoming_port)
        )
        if entry_id is None:
            return
        engine = await recorder.run(
            "text-to-speech entity", lambda findings: find_engine(findings, client, order.voice)
        )
        if engine is None:
            return
        pipeline_id = await recorder.run(
            "Assist pipeline", lambda _: create_pipeline(client, engine)
        )
        if pipeline_id is None:
            return
        is_newest = SUITES[order.suite]
        bench = Bench(client, tap, entry_id, engine, pipeline_id, is_newest, is_newest)
        checks = dict(CHECKS)
        if order.web_port is not None:
            port = await stack.enter_async_context(outside.passage(order.host, order.web_port))
            supervisor = Supervisor(f"http://127.0.0.1:{port}", streams_bodies=True)
            await stack.enter_async_context(supervisor.listening(SUPERVISOR_PORT))
            companion = Companion(port, wyoming_port, order.folder / "data")
            app = checks_app.App(order.folder, port)
            checks |= PAGE_CHECKS
            checks |= {
                "integration, the app added by one click": app.click,
                "integration, added by hand": companion.add,
                "integration, a voice repaired by a script": companion.actions,
                "integration, a voice repaired by its button": companion.button,
                "integration, a voice repaired in Repairs": companion.repairs,
                "integration, loaded anew": companion.reload,
            }
        for title, check in checks.items():
            await recorder.run(title, partial(check, bench))

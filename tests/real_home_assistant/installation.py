"""Add the server to Home Assistant as its user does, and find what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .bench import Engine

if TYPE_CHECKING:
    from .client import Client
    from .results import Findings

AGENT = "conversation.scripted_agent"

APPEARS_WITHIN = 10.0
POLL_EVERY = 0.1


async def add_integration(findings: Findings, client: Client, port: int) -> str:
    """Go through the Wyoming config flow; return the config entry's id."""
    flows = "/api/config/config_entries/flow"
    form = await client.request("POST", flows, json={"handler": "wyoming"})
    address = {"host": "127.0.0.1", "port": port}
    outcome = await client.request("POST", f"{flows}/{form['flow_id']}", json=address)
    if outcome["type"] != "create_entry":
        reason = outcome.get("errors") or outcome.get("reason")
        raise RuntimeError(f"the config flow ended with {outcome['type']}: {reason}")
    findings.measurements["named"] = outcome["title"]
    entry_id: str = outcome["result"]["entry_id"]
    return entry_id


async def find_engine(findings: Findings, client: Client, wanted: str | None) -> Engine:
    """Wait for the entity; choose the wanted voice, or any, installed and English by preference."""
    async with asyncio.timeout(APPEARS_WITHIN):
        while not (found := await _engines(client)):  # noqa: ASYNC110 - it answers when asked
            await asyncio.sleep(POLL_EVERY)
    entity_id, languages = found[0]["engine_id"], found[0]["supported_languages"]
    offered = [
        (language, voice["voice_id"], "on first use" in voice["name"])
        for language in sorted(languages, key=lambda one: not one.startswith("en"))
        for voice in await _voices(client, entity_id, language)
    ]
    offered.sort(key=lambda one: one[2])
    chosen = next((one[:2] for one in offered if wanted in (None, one[1])), None)
    if chosen is None:
        raise RuntimeError(f"no voice {wanted or ''} among {len(offered)} for {languages}")
    findings.measure("languages", len(languages), "")
    findings.measure("voices", len(offered), "")
    findings.measurements |= {"entity": entity_id, "voice": chosen[1]}
    return Engine(entity_id, *chosen)


async def create_pipeline(client: Client, engine: Engine) -> str:
    """Make an Assist pipeline of the scripted agent and the engine; return its id."""
    pipeline = await client.call(
        "assist_pipeline/pipeline/create",
        name="Test",
        language="en",
        conversation_engine=AGENT,
        conversation_language="en",
        stt_engine=None,
        stt_language=None,
        tts_engine=engine.entity_id,
        tts_language=engine.language,
        tts_voice=engine.voice,
        wake_word_entity=None,
        wake_word_id=None,
    )
    pipeline_id: str = pipeline["id"]
    return pipeline_id


async def _engines(client: Client) -> list[dict[str, Any]]:
    listed = await client.call("tts/engine/list")
    return [
        engine
        for engine in listed["providers"]
        if engine["engine_id"].startswith("tts.") and engine["supported_languages"]
    ]


async def _voices(client: Client, entity_id: str, language: str) -> list[dict[str, str]]:
    offered = await client.call("tts/engine/voices", engine_id=entity_id, language=language)
    return offered["voices"] or []

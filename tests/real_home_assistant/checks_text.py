"""Checks that what is said is what the page and the command `text` show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .bench import hear, unique
from .foreign_voices import VOICES
from .home_assistant import page
from .tap import settle

if TYPE_CHECKING:
    import aiohttp

    from .bench import Bench
    from .results import Findings

INSTALLED_WITHIN = 60.0
WAV_HEADER = 44

ANNOUNCEMENTS = {
    "de_DE": ("Draußen sind es {}, und es schneit.", ("minus", "komma", "grad celsius")),
    "fr_FR": ("Dehors il fait {}, et il neige.", ("moins", "virgule", "degrés celsius")),
    "pl_PL": ("Na zewnątrz jest {}, i pada śnieg.", ("minus", "przecinek", "stopni")),
}
"""By language, an announcement, and words of the temperature: as digits espeak says these signs."""

STATE = {"state": "-5.5", "attributes": {"unit_of_measurement": "°C"}}
TEMPLATE = "{{ states('sensor.outside', with_unit=true) }}"

THOUGHT = (
    "<think>The user would like to know how warm it is, so I look at the sensor of the garden. "
    "It has 21.5 degrees, and the window of the kitchen is open. I shall be brief.</think>"
)
ANSWER = "**It is 21.5 °C outside.** The `window` in the kitchen is *open*, and that is all I know."


async def template(bench: Bench, findings: Findings) -> None:
    """Check the state of a sensor in an announcement, in languages that write it otherwise."""
    await bench.client.request("POST", "/api/states/sensor.outside", json=STATE)
    degrees = await bench.client.request("POST", "/api/template", json={"template": TEMPLATE})
    findings.measurements["the template gives"] = degrees
    async with page() as server:
        for language, (frame, words) in ANNOUNCEMENTS.items():
            voice, text = VOICES[language], frame.format(degrees)
            await _installed(server, voice)
            shown = await _shown(server, text, voice)
            findings.measurements[language] = shown
            missing = [word for word in words if word not in _as_said(shown, language)]
            findings.require(not missing, f"{language}: {shown!r} lacks {missing}")
            heard = await bench.speak(text, voice=voice)
            await settle(heard.connections, INSTALLED_WITHIN)
            pcm = heard.pcm
            said = {"text": shown, "voice": voice, "text_mode": "off"}
            async with server.post("api/say", json=said) as answer:
                expected = (await answer.read())[WAV_HEADER:]
            findings.require(pcm, f"{language}: nothing was spoken")
            findings.require(
                pcm == expected, f"{language}: it is not spoken as {shown!r}: {len(pcm)} bytes"
            )


async def markdown(bench: Bench, findings: Findings) -> None:
    """Check a language model's answer in markdown, with its thought before it."""
    script = unique(THOUGHT + ANSWER)
    async with page() as server:
        shown = await _shown(server, script, bench.engine.voice)
    findings.measurements["shown"] = shown
    left = [mark for mark in ("think", "sensor", "*", "`") if mark in shown]
    findings.require(not left, f"{left} would be read")
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse(script, group)
    hear(findings, spoken, text=shown)


def _as_said(shown: str, language: str) -> str:
    """Return a text with the sign in a decimal number by its name, which espeak gives it."""
    name = {"de_DE": " komma ", "fr_FR": " virgule ", "pl_PL": " przecinek "}[language]
    return shown.lower().replace("5,5", f"5{name}5")


async def _installed(server: aiohttp.ClientSession, voice: str) -> None:
    async with asyncio.timeout(INSTALLED_WITHIN):
        while voice not in await _voices(server):  # noqa: ASYNC110 - asked as a program asks
            await asyncio.sleep(0.5)


async def _voices(server: aiohttp.ClientSession) -> list[str]:
    async with server.get("api/voices?installed=true") as answer:
        return [voice["name"] for voice in (await answer.json())["voices"]]


async def _shown(server: aiohttp.ClientSession, text: str, voice: str) -> str:
    async with server.post("api/text", json={"text": text, "voice": voice}) as answer:
        document: dict[str, Any] = await answer.json()
    return " ".join(segment["spoken"] for segment in document["segments"])

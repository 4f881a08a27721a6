"""Presets: voices with options of their own, offered as voices."""

from __future__ import annotations

from conftest import Serve
from support.client import connected
from wyoming_piper_hardened.config.presets import Preset

JOE = "en_US-joe-medium"
SLOWLY = Preset(name="Joe, slowly", voice=JOE, length_scale=1.3)
QUIET = Preset(name="alloy", voice=JOE, volume=0.25, silence_after=0.5)
TEXT = "The cooker is still on."


async def test_preset_is_a_voice_and_speaks_what_the_settings_would(start_server: Serve) -> None:
    server = await start_server(presets=(SLOWLY, QUIET))
    assert server.port
    async with connected(server.port) as client:
        await client.send("describe")
        info = (await client.until("info")).events[-1]
        plain = await client.say(TEXT)
        slow = await client.say(TEXT, voice={"name": "Joe, slowly"})
    voices = {voice["name"]: voice for voice in info.data["tts"][0]["voices"]}
    assert list(voices)[:3] == [JOE, "Joe, slowly", "alloy"]
    assert voices["Joe, slowly"]["languages"] == voices[JOE]["languages"]
    assert voices["Joe, slowly"]["description"] == "Joe, slowly"
    assert 1.15 < len(slow.pcm) / len(plain.pcm) < 1.45
    slower = await start_server(length_scale=1.3)
    assert slower.port
    async with connected(slower.port) as client:
        assert (await client.say(TEXT)).pcm == slow.pcm

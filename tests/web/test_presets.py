"""Presets wherever a voice's name is taken, and what is wrong with them."""

from __future__ import annotations

import pytest

from support.both_servers import Open
from support.waiting import eventually
from wyoming_piper_hardened.config.presets import Preset
from wyoming_piper_hardened.errors import SpeakerNotFoundError

JOE = "en_US-joe-medium"
SLOWLY = Preset(name="Joe, slowly", voice=JOE, length_scale=1.3)
QUIET = Preset(name="alloy", voice=JOE, volume=0.25, silence_after=0.5)
TEXT = "The cooker is still on."


async def test_preset_is_taken_by_every_api(open_site: Open) -> None:
    site = await open_site(presets=(SLOWLY, QUIET))
    _, listed = await site.get("/v1/audio/voices")
    assert [one["id"] for one in listed["voices"]] == [JOE, "Joe, slowly", "alloy"]
    _, body = await site.get("/api/voices")
    assert [(one["name"], one["voice"], one["language"]) for one in body["presets"]] == [
        ("Joe, slowly", JOE, "en_US"),
        ("alloy", JOE, "en_US"),
    ]
    slow = await site.hear(text=TEXT, voice="joe, SLOWLY")
    assert slow == await site.hear(text=TEXT, length_scale=1.3)
    assert slow != await site.hear(text=TEXT, voice="joe, slowly", length_scale=0.9)
    openai = {"input": TEXT, "response_format": "wav"}
    quiet = await site.hear("/v1/audio/speech", voice="alloy", **openai)
    assert quiet == await site.hear(text=TEXT, volume=0.25, silence_after=0.5)
    slow = await site.hear("/v1/audio/speech", voice="Joe, slowly", speed=1.3, **openai)
    assert slow == await site.hear(text=TEXT, length_scale=1.0)


async def test_installed_voice_goes_before_a_preset_of_its_name(open_site: Open) -> None:
    taken = Preset(name=JOE, voice="de_DE-thorsten-medium", volume=0.0)
    site = await open_site(presets=(taken,), auto_install=False)
    assert await site.hear(text=TEXT, voice=JOE) == await site.hear(text=TEXT)
    _, status = await site.get("/api/status")
    (issue,) = (one for one in status["issues"] if one["code"] == "preset-name-taken")
    assert issue["params"] == {"preset": JOE}


async def test_preset_whose_voice_is_missing_is_an_issue(open_site: Open) -> None:
    missing = Preset(name="Thorsten", voice="de_DE-thorsten-medium")
    site = await open_site(presets=(missing,), auto_install=False)
    await eventually(site.server.status.issues)
    _, status = await site.get("/api/status")
    assert [
        one["subject"] for one in status["issues"] if one["kind"] == "missing" and one["needed"]
    ] == ["de_DE-thorsten-medium"]
    code, error = await site.post("/api/say", json={"text": TEXT, "voice": "Thorsten"})
    assert code == 404
    assert error["error"]["code"] == "voice-not-found"
    _, listed = await site.get("/v1/audio/voices")
    assert [one["id"] for one in listed["voices"]] == [JOE]


async def test_preset_with_a_speaker_that_is_not_there_speaks_and_is_an_issue(
    open_site: Open,
) -> None:
    site = await open_site(presets=(Preset(name="Bert", voice=JOE, speaker="bert"),))
    assert await site.hear(text=TEXT, voice="Bert") == await site.hear(text=TEXT)
    _, status = await site.get("/api/status")
    (issue,) = status["issues"]
    assert issue["code"] == SpeakerNotFoundError.code
    assert "bert" in issue["params"]["reason"]
    code, _ = await site.post("/api/say", json={"text": "x", "voice": "Bert", "speaker": "7"})
    assert code == 404


@pytest.mark.parametrize("name", ["Joe", "Joe, slow", "slowly"])
async def test_part_of_a_presets_name_is_no_preset(open_site: Open, name: str) -> None:
    site = await open_site(presets=(SLOWLY,), offline=True)
    code, _ = await site.post("/api/say", json={"text": "x", "voice": name})
    assert code == 404

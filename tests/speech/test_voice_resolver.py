"""Who speaks a request: the voice it names, the default, or a fallback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.voices import SINGLE
from wyoming_piper_hardened.errors import SpeakerNotFoundError, VoiceNotFoundError
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.command import EngineCommand
from wyoming_piper_hardened.processes.restart import RestartDecider
from wyoming_piper_hardened.speech.target import SpeechDefaults
from wyoming_piper_hardened.speech.voice_resolver import VoiceResolver
from wyoming_piper_hardened.store.voice import Voice, read_voice
from wyoming_piper_hardened.system.aio import Notifier
from wyoming_piper_hardened.voices.library import Library
from wyoming_piper_hardened.workers.pool import Pool, PoolSize


@pytest.fixture(scope="module")
def voices() -> tuple[Voice, Voice]:
    """Return a voice with one speaker, and one with three."""
    single = read_voice("single", SINGLE)
    several = replace(single, name="several", speakers={"anna": 0, "bert": 1}, number_of_speakers=2)
    return single, replace(several, model=Path("/none/several.onnx"))


@pytest.fixture
async def pool() -> Pool:
    return Pool(
        lambda: EngineCommand(arguments=("true",)),
        PoolSize(),
        RestartDecider(),
        Metrics(),
        notifier=Notifier(),
        on_unloadable=lambda _voice, _failure: None,
    )


def resolver(
    voices: tuple[Voice, ...], pool: Pool, default: str = "several", **defaults: str
) -> VoiceResolver:
    return VoiceResolver(Library(voices, default), pool, SpeechDefaults(**defaults))  # type: ignore[arg-type]


async def test_default_voice_has_the_speaker_of_the_settings(
    voices: tuple[Voice, Voice], pool: Pool
) -> None:
    resolve = resolver(voices, pool, speaker="bert").resolve
    assert resolve().options.speaker_id == 1
    assert resolve(speaker="anna").options.speaker_id == 0
    assert resolve("single").options.speaker_id is None
    with pytest.raises(SpeakerNotFoundError):
        resolve(speaker="carl")


async def test_wrong_speaker_of_the_settings_is_reported_and_the_first_one_speaks(
    voices: tuple[Voice, Voice], pool: Pool
) -> None:
    chosen = resolver(voices, pool, speaker="carl")
    assert isinstance(chosen.speaker_error(), SpeakerNotFoundError)
    assert chosen.resolve().options.speaker_id is None


async def test_fallback_speaks_for_a_withdrawn_voice(
    voices: tuple[Voice, Voice], pool: Pool
) -> None:
    library = Library(voices, "several")
    chosen = VoiceResolver(library, pool, SpeechDefaults(fallback_voice="single"))
    library.withdraw("several", "it is damaged")
    assert chosen.resolve("several").voice.name == "single"
    with pytest.raises(VoiceNotFoundError):
        chosen.resolve("nobody")


async def test_voice_that_can_be_obtained_speaks(voices: tuple[Voice, Voice], pool: Pool) -> None:
    library = Library(voices[:1], "single")

    async def obtain(name: str | None, language: str | None) -> Voice:
        assert (name, language) == ("several", None)
        library.replace(voices[1])
        return voices[1]

    chosen = VoiceResolver(library, pool, SpeechDefaults(), obtain)
    assert (await chosen.find("several", speaker="bert")).options.speaker_id == 1


async def test_server_without_a_ready_worker_cannot_speak(
    voices: tuple[Voice, Voice], pool: Pool
) -> None:
    assert not resolver(voices, pool).can_speak

"""Smoke tests with scripted engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Script
from wyoming_piper_hardened.engine.messages import VoiceVersion
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.processes.smoke_test import check_speech

VOICE = VoiceVersion(Path("/voices/a.onnx"))


async def test_speaking_engine_passes(script: Script) -> None:
    await check_speech(script(), VOICE)


@pytest.mark.parametrize("order", ["exit3", "die", "CRASH", "babble"])
async def test_failing_engine_is_a_voice_error(script: Script, order: str) -> None:
    with pytest.raises(VoiceError, match="a does not speak: "):
        await check_speech(script(order), VOICE)

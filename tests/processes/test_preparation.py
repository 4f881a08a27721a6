"""Preparations that fail: of no model, beyond their limits, on a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.voices import VOICES
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.processes.preparation import prepare

pytestmark = pytest.mark.slow

MODEL = VOICES / "single.onnx"


async def test_parts_and_their_report_are_written(tmp_path: Path) -> None:
    await prepare(MODEL, tmp_path)
    assert {"parts.json", "decoder.onnx"} <= {path.name for path in tmp_path.iterdir()}


async def test_reason_of_the_process_is_given(tmp_path: Path) -> None:
    model = tmp_path / "bad.onnx"
    model.write_bytes(b"<html>not found</html>")
    (tmp_path / "bad.onnx.json").write_bytes((VOICES / "single.onnx.json").read_bytes())
    with pytest.raises(VoiceError, match="bad cannot be prepared: ") as caught:
        await prepare(model, tmp_path)
    assert "the process" not in str(caught.value)  # it said why itself

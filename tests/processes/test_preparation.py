"""Preparations that fail: of no model, beyond their limits, on a full disk."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from support.voices import VOICES
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.processes.preparation import PreparationLimits, prepare

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


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (PreparationLimits(timeout=0.2), "was not prepared in 0.2 s"),
        (
            PreparationLimits(memory_factor=0, least_memory=20 << 20, memory_interval=0.01),
            "took more than 20 MB",
        ),
    ],
    ids=["time", "memory"],
)
async def test_limits_end_the_process(
    tmp_path: Path, limits: PreparationLimits, reason: str
) -> None:
    with pytest.raises(VoiceError, match=reason):
        await prepare(MODEL, tmp_path, limits)
    assert not psutil.Process().children(recursive=True)

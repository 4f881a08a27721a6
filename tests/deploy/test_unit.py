"""The unit of systemd: valid, and exposed to little."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "wyoming-piper-hardened.service"
EXPOSURE = 20
"""In tenths, as systemd-analyze takes it."""

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze"
)


def test_unit_is_valid(tmp_path: Path) -> None:
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    start = "/opt/wyoming-piper-hardened/current/bin/wyoming-piper-hardened"
    assert start in text
    unit.write_text(text.replace(start, str(program)), "utf-8")
    # of one unit alone: others of the machine are not ours
    command = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_exposure_is_low() -> None:
    command = (
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--threshold={EXPOSURE}",
        str(UNIT),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

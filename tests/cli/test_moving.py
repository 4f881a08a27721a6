"""``voices export`` and ``voices import``: from one data directory to another."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from cli.test_cli import run
from support.bundles import NAME, bundle, traces
from support.voices import SINGLE

pytestmark = pytest.mark.slow

JOE = "en_US-joe-medium"


async def test_voice_speaks_on_the_other_side(tmp_path: Path) -> None:
    given, moved = tmp_path / "given.tar", tmp_path / "moved.tar"
    given.write_bytes(bundle())
    here, there = ("--data-dir", str(tmp_path / "here")), ("--data-dir", str(tmp_path / "there"))
    code, stdout, _ = await run("voices", "import", str(given), *here)
    assert (code, f"{given}: installed as {NAME} in" in stdout.decode()) == (0, True)
    code, stdout, _ = await run("voices", "export", NAME, str(moved), *here)
    assert (code, stdout.decode()) == (0, f"{NAME}: written to {moved} (1 MB)\n")
    code, _, stderr = await run("voices", "import", str(moved), *there)
    assert code == 0
    steps = ["copying", "preparing", "testing", "committing"]
    assert stderr.splitlines() == [f"{NAME}: {step}" for step in steps]
    sound = tmp_path / "x.wav"
    say = ("say", "I have moved.", "--voice", NAME, "--output", str(sound), "--offline", *there)
    assert (await run(*say))[0] == 0
    with wave.open(str(sound)) as file:
        assert file.getnframes() > 1000


async def test_embedded_voice_moves_to_a_machine(tmp_path: Path) -> None:
    file, data = tmp_path / "joe.tar", ("--data-dir", str(tmp_path / "data"))
    assert (await run("voices", "export", JOE, str(file), *data))[0] == 0
    assert (await run("voices", "import", str(file), *data))[0] == 0
    assert (await run("voices", "verify", JOE, *data))[0] == 0
    again = tmp_path / "again.tar"
    assert (await run("voices", "export", JOE, str(again), *data))[0] == 0
    assert again.read_bytes() == file.read_bytes()


async def test_voice_that_has_changed_is_not_exported(tmp_path: Path) -> None:
    given, file, data = tmp_path / "given.tar", tmp_path / "x.tar", tmp_path / "data"
    given.write_bytes(bundle())
    assert (await run("voices", "import", str(given), "--data-dir", str(data)))[0] == 0
    (model,) = data.glob(f"voices/{NAME}/*-*/{NAME}.onnx")
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    code, _, stderr = await run("voices", "export", NAME, str(file), "--data-dir", str(data))
    assert (code, f"{NAME}: voice-changed: " in stderr) == (1, True)
    assert not file.exists()


async def test_what_cannot_be_moved_is_named(tmp_path: Path) -> None:
    file, data = tmp_path / "x.tar", ("--data-dir", str(tmp_path / "data"))
    code, _, stderr = await run("voices", "export", NAME, str(file), *data)
    assert (code, f"{NAME}: voice-not-installed: " in stderr) == (1, True)
    assert not file.exists()
    file.write_bytes(bundle()[:100_000])
    code, _, stderr = await run("voices", "import", str(file), *data)
    assert (code, f"{file}: bundle-cut: " in stderr) == (1, True)
    code, _, stderr = await run("voices", "import", str(tmp_path / "none.tar"), *data)
    assert (code, "source-unusable: " in stderr) == (1, True)
    assert traces(tmp_path / "data") == []
    code, stdout, _ = await run("voices", "import", str(SINGLE), *data)
    assert (code, "installed as single" in stdout.decode()) == (0, True)

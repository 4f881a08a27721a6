"""What happens to voices beside the speaking."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.voices import care as care_module


async def test_a_data_dir_that_is_none_does_not_silence_the_server(
    start_server: Serve, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    server = await start_server(data_dir=tmp_path / "file")
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        assert server._synthesizer.library.default.prepared
        assert len((await client.say("And it goes on.")).pcm) > 10_000


async def test_a_bug_in_the_care_of_voices_does_not_silence_the_server(
    start_server: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(care_module.Caretaker, "_start", broken)
    server = await start_server()
    await eventually(lambda: "the care of voices met an error" in caplog.text)
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000


async def test_a_flipped_bit_is_found_in_the_background_and_mended(
    start_server: Serve, prepared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_FIRST_CHECK", 0.0)
    monkeypatch.setattr(care_module, "_CHECK_PAUSE", 0.0)
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (model,) = data.glob("voices/*/*-*/*medium.onnx")  # its parts are whole, so it speaks on
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    server = await start_server(data_dir=data)
    library = server._synthesizer.library
    await eventually(lambda: library.default.model.parent != model.parent, 60)
    (quarantined,) = (data / "quarantine").iterdir()
    assert "has changed" in (quarantined / "reason.json").read_text(encoding="utf-8")


async def test_a_voice_put_into_a_watched_folder_is_offered_and_speaks(
    start_server: Serve, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_CUSTOM_INTERVAL", 0.1)
    folder = tmp_path / "own"
    folder.mkdir()
    server = await start_server(data_dir=tmp_path / "data", custom_voice_dirs=[str(folder)])
    library = server._synthesizer.library
    (folder / "broken.onnx").write_bytes(b"<html>")
    shutil.copy(f"{model}.json", folder / "broken.onnx.json")
    shutil.copy(f"{model}.json", folder / "my-voice.onnx.json")
    shutil.copy(model, folder / "arriving")
    (folder / "arriving").rename(folder / "my-voice.onnx")
    await eventually(lambda: "my-voice" in {voice.name for voice in library}, 60)
    assert "broken" not in {voice.name for voice in library}
    assert server.port
    async with connected(server.port) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
        assert "my-voice" in {voice["name"] for voice in info.data["tts"][0]["voices"]}
        spoken = await client.say("It is mine.", voice={"name": "my-voice"})
    assert len(spoken.pcm) > 10_000
    assert sorted(path.name for path in folder.iterdir()) == [
        "broken.onnx",
        "broken.onnx.json",
        "my-voice.onnx",
        "my-voice.onnx.json",
    ]

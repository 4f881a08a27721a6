"""Maintenance of voices beside the speaking."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from conftest import Script, Serve
from support.client import connected
from support.events import logged
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.engine.messages import VoiceVersion
from wyoming_piper_hardened.reporting.issues import (
    DamageKind,
    Failure,
    FailureKind,
    IssueKind,
    Issues,
    Stage,
    Suggestion,
)
from wyoming_piper_hardened.store.voice import read_voice
from wyoming_piper_hardened.system.aio import Notifier, cancel_and_wait
from wyoming_piper_hardened.voices.jobs import JobRunner
from wyoming_piper_hardened.voices.library import Library
from wyoming_piper_hardened.voices.maintenance import Maintenance
from wyoming_piper_hardened.voices.maintenance_policy import MaintenancePolicy, MaintenanceTimings


async def test_data_dir_that_is_a_file_does_not_silence_the_server(
    start_server: Serve, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    server = await start_server(data_dir=tmp_path / "file")
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        assert server.library.default.prepared
        assert len((await client.say("And it goes on.")).pcm) > 10_000


async def test_unexpected_error_in_a_duty_ends_no_other_duty(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ready() -> None:
        raise RuntimeError("a bug")

    installer = build_installer(load_settings(flags={"data_dir": tmp_path}))
    voice = await asyncio.to_thread(read_voice, model.stem, model)
    library, issues = Library([voice], voice.name), Issues()
    jobs = JobRunner(installer, library, issues, Notifier(), lambda _: None)
    reports: asyncio.Queue[tuple[VoiceVersion, Failure]] = asyncio.Queue()
    maintenance = Maintenance(
        jobs,
        library,
        installer.store,
        installer.verifier,
        installer.sources.catalogue,
        policy=MaintenancePolicy(auto_repair=False),
        timings=MaintenanceTimings(error_delay=0.01),
        ready=ready,
        reports=reports,
    )
    running = asyncio.create_task(maintenance.run())
    await eventually(lambda: len(logged(caplog, "internal-error")) > 10)
    failure = Failure(FailureKind.LOAD, Stage.LOADING, {"error": "a reason"})
    reports.put_nowait((VoiceVersion(model), failure))
    await eventually(lambda: [issue.kind for issue in issues] == [IssueKind.UNLOADABLE])
    await cancel_and_wait(running)


@pytest.mark.parametrize(("attempt", "delay"), [(1, 60), (2, 120), (7, 3600), (10**6, 3600)])
def test_delays_between_attempts_double_up_to_a_limit(attempt: int, delay: float) -> None:
    assert MaintenanceTimings().delay(attempt) == delay


async def test_flipped_bit_is_found_in_the_background_and_repaired(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (model,) = data.glob("voices/*/*-*/*medium.onnx")  # its parts are whole, so it speaks on
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    timings = MaintenanceTimings(first_check=0.0, check_pause=0.0)
    server = await start_server(data_dir=data, maintenance=timings)
    library = server.library
    await eventually(lambda: library.default.model.parent != model.parent, 60)
    (quarantined,) = (data / "quarantine").iterdir()
    reason = json.loads((quarantined / "reason.json").read_bytes())
    assert [(one["file"], one["kind"]) for one in reason["damage"]] == [
        (model.name, DamageKind.CHANGED)
    ]


async def test_voice_in_a_watched_folder_is_imported_and_speaks(
    start_server: Serve, tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    server = await start_server(
        data_dir=tmp_path / "data",
        custom_voice_dirs=[str(folder)],
        maintenance=MaintenanceTimings(custom_interval=0.1),
    )
    library = server.library
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


async def test_folder_that_refuses_is_reported_at_once_with_what_helps(
    start_server: Serve, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    server = await start_server(data_dir=tmp_path / "file", voice="de_DE-nobody-low", offline=True)
    issues = server.jobs.issues
    expected = {"unwritable:data_dir", "missing:de_DE-nobody-low"}
    await eventually(lambda: {issue.id for issue in issues} >= expected)
    (unwritable,) = (issue for issue in issues if issue.kind is IssueKind.UNWRITABLE)
    assert unwritable.subject == "data_dir"
    assert not any(issue.kind is IssueKind.UNPREPARED for issue in issues)


async def test_missing_default_voice_is_said_before_anything_speaks(
    start_server: Serve, tmp_path: Path, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The command that gets it is in the log and in the issue; the engine never gets ready."""
    wanted = "en_US-amy-medium"
    server = await start_server(script("hang"), data_dir=tmp_path, voice=wanted, auto_install=False)
    (event,) = logged(caplog, "default-voice-missing")
    assert event.params["command"] == f"voices install {wanted}"
    assert event.params["speaks"] == "en_US-joe-medium"
    await eventually(lambda: list(server.jobs.issues))
    (issue,) = server.jobs.issues
    assert (issue.id, issue.suggestion) == (f"missing:{wanted}", Suggestion.INSTALL)
    assert f"voices install {wanted}" in str(issue)

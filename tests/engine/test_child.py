"""The engine process by itself, as one would try it by hand with a pipe."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from wyoming.event import Event, read_event, write_event

from wyoming_piper_hardened.engine.report import REPORT_NAME

pytestmark = pytest.mark.slow

ENGINE = [sys.executable, "-m", "wyoming_piper_hardened.engine"]


def talk(*requests: tuple[str, dict[str, Any]], voice: Path | None) -> list[Event]:
    """Send the requests, end the input and return everything the engine says."""
    stdin = io.BytesIO()
    for event_type, data in requests:
        write_event(Event(event_type, data), stdin)
    arguments = ["--voice", str(voice)] if voice else []
    done = subprocess.run(
        [*ENGINE, *arguments], input=stdin.getvalue(), capture_output=True, check=True, timeout=60
    )
    stdout = io.BytesIO(done.stdout)
    return list(iter(lambda: read_event(stdout), None))


def types(events: list[Event]) -> list[str]:
    return [e.type for i, e in enumerate(events) if i == 0 or events[i - 1].type != e.type]


def test_it_speaks_through_a_pipe(model: Path) -> None:
    events = talk(("synthesize", {"text": "Hello there."}), voice=model)
    loading = ["loading", "loaded", "ready"]
    spoken = [kind for kind in types(events) if kind != "computed"]
    assert list(dict.fromkeys(spoken)) == [*loading, "audio-start", "audio-chunk", "audio-stop"]
    assert spoken[-1] == "audio-stop"
    assert sum(len(e.payload or b"") for e in events) > 22050


def test_from_sample_leaves_out_the_beginning(model: Path) -> None:
    requests = [
        ("synthesize", {"text": "Hello.", "noise_scale": 0, "noise_w_scale": 0, "from_sample": n})
        for n in (0, 1000, 10**9)
    ]
    events = talk(*requests, voice=model)
    audio, spoken = b"", []
    for event in events:
        audio += event.payload or b""
        if event.type == "audio-stop":
            spoken.append(audio)
            audio = b""
    whole, tail, nothing = spoken
    assert whole[2000:] == tail
    assert nothing == b""


def test_an_error_in_a_request_leaves_the_process_alive(model: Path) -> None:
    events = talk(
        ("synthesize", {"text": 5}),
        ("synthesize", {"text": "Hello.", "speaker_id": 99}),
        ("synthesize", {"text": "Hello.", "length_scale": "fast"}),
        ("synthesize", {"text": "Hello.", "model": "/nonexistent.onnx"}),
        ("synthesize", {"text": "Hello.", "length_scale": 1e9}),
        ("something", {}),
        ("synthesize", {"text": "Hello."}),
        voice=model,
    )
    assert [e.type for e in events].count("error") == 5
    assert events[-1].type == "audio-stop"


def test_a_ping_is_answered(model: Path) -> None:
    events = talk(("ping", {"text": "x"}), voice=model)
    assert {"pong", "ready"} <= {e.type for e in events}


def broken_voices(tmp_path: Path, model: Path) -> Iterator[Path]:
    config = model.with_name(model.name + ".json").read_bytes()
    for name, onnx, json in [
        ("missing", None, config),
        ("truncated", model.read_bytes()[:1_000_000], config),
        ("html", b"<!DOCTYPE html>", config),
        ("empty", b"", config),
        ("no config", model.read_bytes(), None),
        ("config is html", model.read_bytes(), b"<html>"),
        ("config lacks", model.read_bytes(), b"{}"),
        ("config is a list", model.read_bytes(), b"[]"),
    ]:
        path = tmp_path / f"{name}.onnx"
        if onnx is not None:
            path.write_bytes(onnx)
        if json is not None:
            Path(f"{path}.json").write_bytes(json)
        yield path


def test_a_voice_that_cannot_be_loaded_is_exit_3(tmp_path: Path, model: Path) -> None:
    for path in broken_voices(tmp_path, model):
        done = subprocess.run(
            [*ENGINE, "--voice", str(path)], input=b"", capture_output=True, check=False
        )
        assert done.returncode == 3, path.name
        frames = io.BytesIO(done.stdout)
        loading, error = read_event(frames), read_event(frames)
        assert loading is not None
        assert error is not None
        assert (loading.type, error.type) == ("loading", "error")
        assert error.data["code"].startswith("voice-")
        assert path.stem in error.data["text"]
        assert b"Traceback" not in done.stderr


def test_a_voice_that_is_gone_casts_no_doubt_on_the_next(model: Path, tmp_path: Path) -> None:
    (tmp_path / REPORT_NAME).write_text("{}", encoding="ascii")  # its parts, then itself are tried
    events = talk(
        ("synthesize", {"text": "Hello.", "model": str(tmp_path / "gone.onnx")}),
        ("synthesize", {"text": "Hello.", "model": str(model)}),
        voice=None,
    )
    assert types(events)[:5] == ["ready", "loading", "error", "loading", "loaded"]
    (loaded,) = (event for event in events if event.type == "loaded")
    assert loaded.data == {"model": str(model)}


def test_prints_of_libraries_do_not_reach_the_frames() -> None:
    code = (
        "import os; from wyoming_piper_hardened.engine.isolation import claim_stdout;"
        "frames = claim_stdout(); print('a print'); os.write(1, b'a native print');"
        "frames.write(b'frame'); frames.flush()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"frame"
    assert b"a print" in done.stderr
    assert b"a native print" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="uses the kernel's parent-death signal")
def test_it_dies_with_its_parent(model: Path) -> None:
    code = (
        "import os, subprocess, sys;"
        f"child = subprocess.Popen([*{ENGINE!r}, '--voice', {str(model)!r}, '--parent',"
        " str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE);"
        "child.stdout.readline(); print(child.pid, flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        try:
            assert parent.stdout
            child = psutil.Process(int(parent.stdout.readline()))
            oom_score = Path(f"/proc/{child.pid}/oom_score_adj").read_text(encoding="ascii")
            assert int(oom_score) >= 500
            assert child.nice() == min(psutil.Process().nice() + 5, 19)
        finally:
            parent.kill()
    child.wait(timeout=60)


def test_beyond_its_memory_only_the_voice_in_use_stays_loaded(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    for suffix in ("", ".json"):
        Path(f"{other}{suffix}").symlink_to(f"{model}{suffix}")
    requests = io.BytesIO()
    for path in (model, other, model):
        write_event(Event("synthesize", {"text": "Hello.", "model": str(path)}), requests)
    loads = []
    for limit in ("0", "1"):
        done = subprocess.run(
            [*ENGINE, "--residents-memory", limit],
            input=requests.getvalue(),
            capture_output=True,
            check=True,
        )
        loads.append(done.stdout.count(b'"loaded"'))
    assert loads == [2, 3]

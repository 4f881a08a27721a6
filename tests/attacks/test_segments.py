"""Texts that cost far more than their characters: no one of them ends a worker or blocks it."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from attacks.conftest import StartAttacked, WatchServer, wait_until
from conftest import Report
from support.voices import DECODER, detour
from support.web_server import WebServer

WAV_HEADER = 44
INSTALLED = "api/voices?installed=true"
RATE = 22_050
MOST_SECONDS = 600.0
"""Of 500 characters; `engine.cost` refuses segments that cost more."""

TEXTS = {
    "roman numerals": "Ⅷ, " * 170,
    "ideographs": "漢，" * 250,
    "mathematical letters": "𝕬𝖇𝖈" * 170,
    "combining marks": "ạ̈́̂" * 125,
    "long numbers": ("9" * 18 + ", ") * 26,
    "letters of another script": "щ " * 250,
}


def say(server: WebServer, text: str, **options: Any) -> tuple[int, str, float]:
    """Return the status, the error's code and the seconds of audio."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    body = json.dumps({"text": text, **options})
    connection.request("POST", "/api/say", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    size = 0
    while data := answer.read(1 << 16) if answer.status == 200 else b"":
        size += len(data)
    code = "" if answer.status == 200 else json.loads(answer.read())["error"]["code"]
    connection.close()
    return answer.status, code, max(0, size - WAV_HEADER) / 2 / RATE


def workers(server: WebServer) -> list[tuple[int, int]]:
    """Return the pid and the number of restarts of each worker."""
    return [(one["pid"], one["restarts"]) for one in server.get("api/status")["workers"]]


def test_texts_of_names_are_bounded_by_their_phonemes(
    start_attacked: StartAttacked, watch: WatchServer, report: Report
) -> None:
    server = start_attacked()
    before = workers(server)
    with watch(server):
        for name, text in TEXTS.items():
            status, code, seconds = say(server, text[:500], length_scale=4)
            report(f"{name}: {status} {code} {seconds:.0f} s")
            assert (status, code) in ((200, ""), (422, "synthesis-failed"))
            assert seconds < MOST_SECONDS
            assert (status == 200) == (seconds > 0.5)
    assert workers(server) == before


def test_costly_segment_is_spoken_in_pieces_between_which_others_speak(
    start_attacked: StartAttacked, watch: WatchServer, report: Report
) -> None:
    server = start_attacked("--workers", "1")
    before = workers(server)
    ended: list[tuple[int, str, float]] = []

    def speak() -> None:
        ended.append(say(server, "9 " * 170, length_scale=4))

    with watch(server):
        long = threading.Thread(target=speak)
        long.start()
        time.sleep(1)
        status, _, seconds = say(server, "Hello there.")
        assert not ended, "the long text was over before anybody else spoke"
        long.join()
        report(f"{ended[0][2]:.0f} s of digits")
    assert status == 200
    assert seconds < 5
    assert ended[0][0] == 200
    assert 100 < ended[0][2] < MOST_SECONDS
    assert workers(server) == before


@pytest.mark.timeout(900)  # it speaks for minutes
def test_voice_that_cannot_be_split_speaks_the_hardest_texts(
    start_attacked: StartAttacked,
    watch: WatchServer,
    watched_folder: Path,
    model: Path,
    report: Report,
) -> None:
    whole = onnx.load(model)
    detour(whole, DECODER)
    shutil.copy(f"{model}.json", watched_folder / "one_shot.onnx.json")
    onnx.save(whole, watched_folder / "one_shot.onnx")
    server = start_attacked()
    wait_until(lambda: "one_shot" in {one["name"] for one in server.get(INSTALLED)["voices"]}, 300)
    before = workers(server)
    with watch(server):
        for text, noise in (("Ⅷ, " * 25, 2.0), ("漢，" * 25, 0.8), ("9 " * 80, 2.0)):
            status, code, seconds = say(
                server, text, voice="one_shot", length_scale=4, noise_w_scale=noise
            )
            report(f"{text[:12]!a}, {noise}: {status} {code} {seconds:.0f} s")
            assert (status, code) in ((200, ""), (422, "synthesis-failed"))
            assert seconds < MOST_SECONDS
    memory = max(one["memory"] for one in server.get("api/status")["workers"])
    report(f"largest worker {memory / (1 << 20):.0f} MB")
    assert workers(server) == before


@pytest.mark.randomised
def test_any_characters_at_the_lowest_speed(
    start_attacked: StartAttacked, watch: WatchServer
) -> None:
    server = start_attacked()
    before = workers(server)

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4))
    def speak(piece: str) -> None:
        text = f"{piece} " * (60 // (len(piece) + 1))
        status, code, seconds = say(server, text, length_scale=4, noise_w_scale=2)
        assert (status, code) in ((200, ""), (422, "synthesis-failed"))
        assert seconds < MOST_SECONDS

    with watch(server):
        speak()
    assert workers(server) == before

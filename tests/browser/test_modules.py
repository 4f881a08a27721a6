"""The page's modules that only reckon, tried in the browser that runs them."""

from __future__ import annotations

import struct

from support.browser import OpenPage
from support.web_server import WebServer
from wyoming_piper_hardened.engine.messages import EXIT_CANNOT_START
from wyoming_piper_hardened.issues import Stage
from wyoming_piper_hardened.processes.diagnosis import exit_failure


async def test_audio_may_come_in_any_pieces(server: WebServer, open_page: OpenPage) -> None:
    samples = [0, 16384, -32768, 32767, -1]
    header = struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE")
    header += struct.pack("<4sI3s1x", b"LIST", 3, b"abc")  # of odd length, so padded
    header += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 22050, 44100, 2, 16)
    wav = header + b"data\xff\xff\xff\xff" + struct.pack(f"<{len(samples)}h", *samples)
    async with open_page(server.url) as watched:
        for size in (1, 2, 3, 7, 43, 44, len(wav)):
            pieces = [list(wav[at : at + size]) for at in range(0, len(wav), size)]
            found = await watched.page.evaluate(
                """async (pieces) => {
                  const { WavReader } = await import("./static/wav.js");
                  const reader = new WavReader();
                  const samples = pieces.flatMap((one) => [...reader.read(new Uint8Array(one))]);
                  return [samples.map((one) => one * 32768), reader.format];
                }""",
                pieces,
            )
            assert found == [samples, {"channels": 1, "rate": 22050}]
        refused = await watched.page.evaluate(
            """async () => {
              const { WavReader } = await import("./static/wav.js");
              try {
                new WavReader().read(new TextEncoder().encode("<!doctype html><html>"));
              } catch (error) {
                return error.name;
              }
            }"""
        )
        assert refused == "TypeError"


async def test_figures_over_weeks_take_no_more_room(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        found = await watched.page.evaluate(
            """async () => {
              const { History, median, roundUp } = await import("./static/history.js");
              const history = new History(240);
              let most = 0;
              for (let at = 0; at < 14 * 86_400; at += 7) {
                history.add(at, { server: at });
                most = Math.max(most, history.moments.length);
              }
              const { at } = history.moments[0];
              return [most, at, median([3, 1, 2]), median([]), [0, 0.03, 151, 7.6].map(roundUp)];
            }"""
        )
        assert found == [240, 0, 2, 0, [1, 0.04, 200, 8]]


async def test_a_single_moment_is_seen_and_the_axis_has_its_values(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        found = await watched.page.evaluate(
            """async () => {
              const { Lines } = await import("./static/chart.js");
              const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
              const lines = new Lines(svg);
              const words = { value: (one) => `${one} MB`, from: "ago", to: "now", label: "" };
              const show = (...moments) => {
                lines.show(moments, [{ name: "a", style: "line-0" }], words);
                return svg.querySelector(".line-mark").getAttribute("d");
              };
              const alone = show({ at: 5, values: { a: 150 } });
              const two = show({ at: 5, values: { a: 150 } }, { at: 35, values: { a: 150 } });
              const texts = [...svg.querySelectorAll("text")].map((text) => text.textContent);
              return [alone, two, texts];
            }"""
        )
        alone, two, texts = found
        assert alone == "M279.0 30.5h0"  # a dot where "now" is, three quarters of the way up
        assert two == "M164.5 30.5h0L279.0 30.5"  # half a minute is half of the least span
        assert texts == ["200 MB", "100 MB", "0", "ago", "now"]


async def test_the_error_of_an_issue_is_found(server: WebServer, open_page: OpenPage) -> None:
    cases = {
        "no-space: 214 MB are needed": {"code": "no-space", "message": "214 MB are needed"},
        "offline: voices.json: not fetched": {
            "code": "offline",
            "message": "voices.json: not fetched",
        },
        "encoder.onnx: has changed": {"code": "", "message": "encoder.onnx: has changed"},
        "it cannot start": {"code": "", "message": "it cannot start"},
    }
    async with open_page(server.url) as watched:
        for message, expected in cases.items():
            found = await watched.page.evaluate(
                """async (message) => {
                  const { errorOf } = await import("./static/state.js");
                  return errorOf({ message });
                }""",
                message,
            )
            assert found == expected


async def test_the_log_is_put_in_the_words_of_the_reader(
    server: WebServer, open_page: OpenPage
) -> None:
    joe, titled = "en_US-joe-medium", "Joe (en_US-joe-medium)"
    crashed = "crashed (bus error), in a segment of 9 characters which goes on from sample 512"
    told = (
        "Sie ist abgestürzt. Der Satz ging in einer anderen Sprachmaschine weiter; nichts ging "
        "verloren."
    )
    cases = [
        ("worker 1 is ready (pid 7, 1.57 s)", "Sprachmaschine 1 ist bereit, nach 1,57\u00a0s.", ""),
        (
            f"worker 2: {crashed}. A new process starts in 0.5 s",
            f"Sprachmaschine 2 ist ausgefallen; in 0,5\u00a0s startet eine neue. {told}",
            crashed,
        ),
        (f"{joe} speaks from /data/voices/1.2 (3)", f"{titled} ist da und kann sprechen.", ""),
        (f"{joe} has been removed", f"{titled} wurde entfernt.", ""),
        ("robot is being installed", "robot wird installiert.", ""),
        (f"{joe}: damaged: encoder.onnx", f"{titled} ist beschädigt", "encoder.onnx"),
        (f"{joe}: missing: no-space: 1 MB", f"{titled} ist nicht installiert", "1 MB"),
        (f"{joe}: remove: store-unusable: EIO", f"{joe} konnte nicht entfernt werden.", "EIO"),
        ("worker 1: failing: it hung", "Fällt immer wieder aus: Sprachmaschine 1", "it hung"),
        ("something new", "", "something new"),
        ("a: b: c", "", "a: b: c"),
        ("stopping soon", "", "stopping soon"),
    ]
    async with open_page(server.url, locale="de-DE") as watched:
        for line, text, detail in cases:
            found = await watched.page.evaluate(
                """async (line) => {
                  const { inWords } = await import("./static/lines.js");
                  const { load } = await import("./static/translation.js");
                  return inWords(line, await load());
                }""",
                line,
            )
            assert found == {"text": text, "detail": detail}


def _why(exit_code: int) -> str:
    return str(exit_failure(exit_code, Stage.IDLE))


async def test_every_end_of_an_engine_has_words(server: WebServer, open_page: OpenPage) -> None:
    cases = {
        **{_why(-number): "It crashed." for number in (6, 7, 11, 5)},
        _why(-9): "It was killed from outside",
        _why(-4): "The processor is too old",
        _why(EXIT_CANNOT_START): "It could not start.",
        _why(1): "It ended by itself.",
        "made nothing for 10 s": "It hung.",
        "did not answer a ping in 10 s": "It hung.",
        "was not ready after 60 s": "It hung.",
        "could not start: no such file": "It could not start.",
        "cannot be started: Cannot allocate memory": "It could not start.",
        "grew to 900 MB in mid-segment and was killed": "It took too much memory.",
    }
    async with open_page(server.url) as watched:
        for reason, expected in cases.items():
            found = await watched.page.evaluate(
                """async (reason) => {
                  const { reasonInWords } = await import("./static/lines.js");
                  const { load } = await import("./static/translation.js");
                  return reasonInWords(reason, await load());
                }""",
                reason,
            )
            assert found.startswith(expected), reason


async def test_the_state_is_put_in_one_line(server: WebServer, open_page: OpenPage) -> None:
    quiet = {
        "ready": True,
        "voice": "en_US-joe-medium",
        "speaks": "en_US-joe-medium",
        "workers": [{"state": "running", "last_failure": None}],
        "issues": [],
        "jobs": [],
    }
    starting = {**quiet, "ready": False, "workers": [{"state": "starting", "last_failure": None}]}
    failing = {"state": "fatal", "last_failure": "it cannot start"}
    waiting = {"state": "backoff", "last_failure": "crashed"}
    damaged = {"subject": "en_US-joe-medium", "kind": "damaged", "message": "encoder.onnx"}
    instead = {**quiet, "speaks": "de_DE-eva_k-x_low"}
    coming = {"voice": "en_US-joe-medium", "action": "install"}
    cases = [
        ("connecting", None, "wait", "state.connecting", ""),
        ("lost", quiet, "bad", "state.lost", ""),
        ("refused", None, "bad", "state.refused", ""),
        ("open", quiet, "good", "state.ready", ""),
        ("open", {**quiet, "issues": [damaged]}, "warn", "state.ready", ""),
        ("open", instead, "warn", "state.instead", ""),
        ("open", {**instead, "jobs": [coming]}, "wait", "state.coming", ""),
        ("open", {**starting, "workers": [waiting]}, "warn", "state.recovering", "crashed"),
        ("open", starting, "wait", "state.starting", ""),
        ("open", {**starting, "workers": [failing]}, "bad", "state.broken", "it cannot start"),
        ("open", {**starting, "issues": [damaged]}, "bad", "state.broken", "encoder.onnx"),
        ("open", {**starting, "speaks": None}, "bad", "state.silent", ""),
    ]
    async with open_page(server.url) as watched:
        for link, status, tone, key, reason in cases:
            found = await watched.page.evaluate(
                """async ([link, status]) => {
                  const { summary } = await import("./static/state.js");
                  return summary(link, status);
                }""",
                [link, status],
            )
            assert (found["tone"], found["key"], found["reason"]) == (tone, key, reason)

"""A small engine that misbehaves as its orders say; a real process on real pipes.

Usage: ``scripted_engine.py FOLDER [START…]``. START orders say how the process begins: ``exit3``,
``die``, ``hang``, ``babble``, ``ignore-term``, or one of `FAULTS`; with ``-once`` behind it only
the first process does. Orders within the text say what a segment does, see `FAULTS`, ``ERROR``,
``SLOW``, ``DRIP`` (slow chunks) and ``PIECES`` (three requests); with ``LATE`` after the first
chunk, with ``AFTER`` when the segment is complete, with ``ONCE`` only the first time. Every start,
every execution (its first sample and the text) and every chunk (the text) leaves a line in FOLDER.

It has any number of segments open and computes one chunk after the other, in the order of credit.

The audio of a text is ``samples(text)``: a ramp, so that a wrong sample shows.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.event import Event, read_event, write_event
from wyoming.ping import Pong

SAMPLES_PER_CHARACTER = 100
CHUNK_SAMPLES = 500
RATE = 22050


def samples(text: str) -> bytes:
    """Return the audio of a segment: 16-bit mono, 100 samples a character."""
    count = len(text) * SAMPLES_PER_CHARACTER
    return b"".join((i % 30000).to_bytes(2, "little", signed=True) for i in range(count))


def main() -> None:
    folder, orders = Path(sys.argv[1]), sys.argv[2:]
    note(folder / "starts", str(os.getpid()))
    if "ignore-term" in orders:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begin(folder, orders)
    write_event(Event("ready", {"models": []}))
    segments: dict[int, Iterator[None]] = {}
    while (event := read_event()) is not None:
        if event.type == "ping":
            write_event(Pong(event.data.get("text")).event())
            continue
        number = event.data["id"]
        if event.type == "synthesize":
            segments[number] = speak(folder, event.data)
        credit = event.data.get("credit" if event.type == "synthesize" else "chunks", 0)
        for _ in range(credit):
            speaking["id"] = number
            if number in segments and not compute(segments[number]):
                del segments[number]
        if event.type == "cancel" and segments.pop(number, None) is not None:
            speaking["id"] = number
            say(Event("audio-stop"))
        speaking.clear()


speaking: dict[str, int] = {}
"""The id of the segment that is computed, as data of its events."""


def say(event: Event) -> None:
    """Write an event of the segment that is computed."""
    event.data.update(speaking)
    write_event(event)


def compute(chunks: Iterator[None]) -> bool:
    """Compute a chunk; return whether there are more."""
    for _ in chunks:
        return True
    return False


def begin(folder: Path, orders: list[str]) -> None:
    orders = [order for order in orders if not order.endswith("-once") or arm(folder, order)]
    orders = [order.removesuffix("-once") for order in orders]
    if "exit3" in orders:
        write_event(Error("the voice is broken", "voice-invalid").event())
        sys.exit(3)
    if "die" in orders:
        sys.exit(1)
    if "babble" in orders:
        sys.stdout.write("Loading the voice, please wait\n")
        sys.stdout.flush()
    if "hang" in orders:
        threading.Event().wait()
    for order in FAULTS.keys() & set(orders):
        FAULTS[order]()


def speak(folder: Path, data: dict[str, Any]) -> Iterator[None]:
    """Compute a segment chunk by chunk; stop behind each but the last."""
    text = str(data["text"])
    note(folder / "executions", f"{data.get('from_sample', 0)} {text}")
    armed = "ONCE" not in text or arm(folder, text)
    late, after = "LATE" in text, "AFTER" in text
    if armed and not late and not after and misbehave(text):
        return
    say(AudioStart(rate=RATE, width=2, channels=1).event())
    audio = samples(text)[data.get("from_sample", 0) * 2 :]
    for start in range(0, len(audio), CHUNK_SAMPLES * 2):
        note(folder / "chunks", text)
        chunk = audio[start : start + CHUNK_SAMPLES * 2]
        say(AudioChunk(rate=RATE, width=2, channels=1, audio=chunk).event())
        if "DRIP" in text:
            threading.Event().wait(0.3)
        if armed and late and misbehave(text):
            return
        left = -(-(len(audio) - start - len(chunk)) // (CHUNK_SAMPLES * 2))
        if left:
            say(Event("computed", {"left": left}))
            yield
    rest = data.get("from_phrase", 0) + 1
    pieces = 3 if "PIECES" in text else 1
    say(Event("audio-stop", {"rest": rest} if rest < pieces else {}))
    if armed and after:
        misbehave(text)


def misbehave(text: str) -> bool:
    """Follow the orders in `text`; true when the segment is over."""
    if "ERROR" in text:
        reason = "cannot speak this" * (100 if "LONG-ERROR" in text else 1)
        say(Error(reason, "synthesis-failed").event())
        return True
    if "SLOW" in text:
        slow()
    for order, fault in FAULTS.items():
        if order in text:
            fault()
    return False


def babble() -> None:
    sys.stdout.write("a native library prints something\n")
    sys.stdout.flush()


def half_a_frame() -> None:
    sys.stdout.write('{"type": "audio-chunk", "payload_length": 100}\nonly this')
    sys.stdout.flush()


def die_within_a_frame() -> None:
    half_a_frame()
    os.kill(os.getpid(), signal.SIGKILL)


def leave_within_a_frame() -> None:
    half_a_frame()
    mute()


def huge_frame() -> None:
    sys.stdout.write('{"type": "audio-chunk", "payload_length": 1000000000000}\n')
    sys.stdout.flush()
    threading.Event().wait()


def endless() -> None:
    while True:
        say(AudioChunk(rate=RATE, width=2, channels=1, audio=bytes(1 << 16)).event())


def greedy() -> None:
    eaten = [bytearray(os.urandom(1 << 20)) * 16 for _ in range(32)]  # half a gigabyte, touched
    threading.Event().wait(60)
    del eaten


def stray() -> None:
    """Answer for a segment that nobody has told it to compute."""
    number = speaking.get("id", 0) + 1000
    write_event(Event("computed", {"id": number, "left": 1}))
    threading.Event().wait()


def miscount() -> None:
    """End a chunk with a number of chunks left that is none."""
    say(Event("computed", {"left": "many"}))
    threading.Event().wait()


def slow() -> None:
    threading.Event().wait(0.05)


def deaf() -> None:
    os.close(0)
    threading.Event().wait()


def mute() -> None:
    os.close(1)
    threading.Event().wait()


FAULTS: dict[str, Callable[[], object]] = {
    "CRASH": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "KILLED": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "ABORT": os.abort,
    "FROZEN": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "QUIT": lambda: os._exit(0),
    "GIVE-UP": lambda: os._exit(3),
    "HANG": lambda: threading.Event().wait(),
    "BABBLE": babble,
    "HALF": die_within_a_frame,
    "TORN": leave_within_a_frame,
    "HUGE": huge_frame,
    "ENDLESS": endless,
    "DEAF": deaf,
    "MUTE": mute,
    "GREEDY": greedy,
    "STRAY": stray,
    "MISCOUNT": miscount,
}


def arm(folder: Path, text: str) -> bool:
    """Return true the first time this text is seen."""
    marker = folder / f"armed-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def note(file: Path, line: str) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(line + "\n")


if __name__ == "__main__":
    main()

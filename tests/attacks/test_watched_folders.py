"""Watched folders with files of any kind: each is refused by its name, and the server lives on."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attacks.conftest import StartAttacked, WatchServer
from attacks.watch import Limits
from conftest import Report
from support.voices import SINGLE, SINGLE_CONFIG
from support.web_server import WebServer

LIMITS = Limits(staging=64 << 20)
"""The good voice has 1 MB, and a large one that is refused comes no further."""

Make = Callable[[Path], object]
GOOD = json.loads(SINGLE_CONFIG.read_bytes())


def sparse(size: int) -> Make:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


def listening(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def with_bytes(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def config(**inference: Any) -> Make:
    return with_bytes(json.dumps({**GOOD, "inference": inference}).encode())


def unreadable(path: Path) -> None:
    path.symlink_to("/proc/1/mem" if os.geteuid() else "/proc/self/attr/exec")


KINDS: dict[str, Make] = {
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "random": lambda path: path.symlink_to("/dev/urandom"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "memory": lambda path: path.symlink_to("/proc/self/mem"),
    "pipe": os.mkfifo,
    "socket": listening,
    "folder": Path.mkdir,
    "loop": lambda path: path.symlink_to(path),
    "nowhere": lambda path: path.symlink_to("/nowhere"),
    "unreadable": unreadable,
    "sparse": sparse(3 << 30),
    "huge": sparse(1 << 40),
    "empty": with_bytes(b""),
    "zeros": with_bytes(bytes(100_000)),
    "page": with_bytes(b"<html>"),
    "nested": with_bytes(b"[" * 1_000_000),
    "many values": with_bytes(b"[" + b"[]," * 1_000_000 + b"1]"),
    "many keys": with_bytes(b"{" + b",".join(b'"%d":0' % n for n in range(300_000)) + b"}"),
    "digits": with_bytes(b"9" * 1_000_000),
}
CONFIGS: dict[str, Make] = {
    **KINDS,
    "nan": config(length_scale=float("nan")),
    "infinite": config(noise_scale=float("inf")),
    "negative": config(noise_w=-1),
    "gigantic": config(length_scale=10**400),
    "text": config(length_scale="\x1b[31m\u202e"),
    "nothing": with_bytes(b"{}"),
}
NAMES = (
    "plain",
    "esc\x1b]0;x\x07",
    "line\n2026-01-01 00:00:00,000 INFO forged",
    "return\r\x9b31m",
    "left\u202eright",
    "separated\u2028\u2029",
    "isolate\u2066\u200d\ufeff",
    "-option",
    "{issue}%s%n",
    "<img src=x onerror=alert(1)>",
    "é" * 100,
    os.fsdecode(b"bytes\xff\xfe"),
)


def put(folder: Path, name: str, model: Make, its_config: Make) -> None:
    """Put a hostile pair of files into a folder."""
    model(folder / f"{name}.onnx")
    its_config(folder / f"{name}.onnx.json")


def put_good(folder: Path, name: str) -> None:
    """Put a good voice there, the last one in order."""
    shutil.copy(SINGLE_CONFIG, folder / f"{name}.onnx.json")
    shutil.copy(SINGLE, folder / f"{name}.onnx")


def wait_for_voice(server: WebServer, name: str, seconds: float = 200) -> None:
    """Return when a voice is installed."""
    deadline = time.monotonic() + seconds
    while not any(
        voice["name"] == name for voice in server.get("api/voices?installed=true")["voices"]
    ):
        assert time.monotonic() < deadline, server.log.read_text(errors="replace")[-2000:]
        time.sleep(0.2)


def copy_of(path: Path) -> Make:
    return lambda target: shutil.copy(path, target)


@pytest.mark.parametrize("part", ["model", "config"])
def test_files_of_any_kind_in_a_watched_folder(
    start_attacked: StartAttacked, watch: WatchServer, watched_folder: Path, part: str
) -> None:
    if part == "model":
        for kind, make in KINDS.items():
            put(watched_folder, f"model-{kind}", make, copy_of(SINGLE_CONFIG))
    else:
        for kind, make in CONFIGS.items():
            put(watched_folder, f"config-{kind}", copy_of(SINGLE), make)
    put_good(watched_folder, "zz_good")
    server = start_attacked()
    with watch(server, LIMITS):
        wait_for_voice(server, "zz_good")
        issues = server.get("api/status")["issues"]
        text = json.dumps(issues)
        kinds = KINDS if part == "model" else CONFIGS
        for kind in kinds.keys() - {"folder"}:
            assert f"{part}-{kind}" in text, kind
        assert "staging" not in text
        assert str(server.data_dir) not in text


def test_server_stops_at_once_in_the_middle_of_a_copy(
    start_attacked: StartAttacked, watched_folder: Path
) -> None:
    put(watched_folder, "large", sparse(1 << 30), copy_of(SINGLE_CONFIG))
    server = start_attacked()
    staging = server.data_dir / "staging"
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 1 << 20 for path in staging.glob("*/large.onnx")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    assert not list(staging.iterdir())


def test_hostile_names_in_a_watched_folder(
    start_attacked: StartAttacked, watch: WatchServer, watched_folder: Path
) -> None:
    for name in NAMES:
        put_good(watched_folder, name)
    put_good(watched_folder, "zz_good")
    server = start_attacked()
    with watch(server, LIMITS):
        wait_for_voice(server, "zz_good")
    subjects = [issue["subject"] for issue in server.get("api/status")["issues"]]
    assert all(subject.isprintable() for subject in subjects)
    log = server.log.read_text(errors="replace").splitlines()
    assert not any(line.endswith("INFO forged") and "\\n2026" not in line for line in log)


@pytest.mark.randomised
def test_random_files_in_a_watched_folder(
    start_attacked: StartAttacked, watch: WatchServer, watched_folder: Path, report: Report
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    draw = random.Random(seed)
    for index in range(40):
        name = f"{draw.choice(NAMES)[:60]}{index}"
        models = {**KINDS, "good": copy_of(SINGLE)}
        configs = {**CONFIGS, "good": copy_of(SINGLE_CONFIG)}
        model = draw.choice(list(models.values()))
        put(watched_folder, name, model, draw.choice(list(configs.values())))
    put_good(watched_folder, "zz_good")
    report(f"seed {seed}")
    server = start_attacked()
    with watch(server, LIMITS):
        wait_for_voice(server, "zz_good")

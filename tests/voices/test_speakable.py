"""Offered is speakable: voices that cannot speak here are not offered, chosen or fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conftest import Serve
from support.client import Outcome, connected
from support.hub import COMMIT, FaultyHub, faulty_hub
from support.hub_faults import voices_json
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.catalogue.catalogue import parse, save
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import PhonemizerMissingError, VoiceNotFoundError
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.reporting.issues import IssueKind
from wyoming_piper_hardened.service import Running

pytestmark = pytest.mark.slow

ALD = "es_MX-ald-medium"
CHAOWEN, HUAYAN = "zh_CN-chaowen-medium", "zh_CN-huayan-medium"
NEWER = "zh_CN-newer-medium"
"""A voice of which nobody knows yet that it needs pinyin."""
NOWHERE = "http://127.0.0.1:9"


def repository(voices: Mapping[str, Mapping[str, Any]], prefix: bytes = b"") -> dict[str, bytes]:
    """Return the files of a repository of tiny voices, whose configurations are changed."""
    files: dict[str, bytes] = {}
    catalogue: dict[str, Any] = {}
    for name, changed in voices.items():
        code, dataset, quality = name.split("-")
        path = f"{code[:2]}/{code}/{dataset}/{quality}/{name}.onnx"
        config = json.loads(SINGLE_CONFIG.read_bytes()) | changed
        own = {path: SINGLE.read_bytes(), f"{path}.json": prefix + json.dumps(config).encode()}
        entry = voices_json(own)
        entry[name]["aliases"] = []
        files |= own
        catalogue |= entry
    return {**files, CATALOGUE_PATH: json.dumps(catalogue).encode()}


def keep_catalogue(hub: FaultyHub, data_dir: Path) -> None:
    """Let a data directory know the repository already."""
    catalogue = parse(hub.files[CATALOGUE_PATH], hub.endpoint, COMMIT)
    save(catalogue, data_dir / "catalogue.json")


def fetched(hub: FaultyHub, name: str) -> int:
    """Return how often the model of a voice was asked for."""
    return sum(one.path.partition("?")[0].endswith(f"/{name}.onnx") for one in hub.seen)


async def ask(server: Running, **voice: str) -> Outcome:
    assert server.port
    async with connected(server.port) as client:
        return await client.say("1, 2, 3.", voice=voice)


async def offered(server: Running) -> set[str]:
    assert server.port
    async with connected(server.port) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
    return {voice["name"] for voice in info.data["tts"][0]["voices"]}


async def test_voice_that_needs_pinyin_is_not_fetched_and_the_next_one_speaks(
    start_server: Serve, tmp_path: Path
) -> None:
    pinyin = {"phoneme_type": "pinyin"}
    files = repository({CHAOWEN: pinyin, NEWER: pinyin, HUAYAN: {"espeak": {"voice": "zh"}}})
    async with faulty_hub(files) as hub:
        await asyncio.to_thread(keep_catalogue, hub, tmp_path)
        server = await start_server(
            data_dir=tmp_path, hub_endpoint=hub.endpoint, languages=["zh"], install_wait=120
        )
        assert {NEWER, HUAYAN} <= await offered(server)
        assert CHAOWEN not in await offered(server)
        outcome = await ask(server, language="zh")
        assert outcome.error is None
        assert len(outcome.pcm) > 1000
        assert HUAYAN in server.library
        assert NEWER not in await offered(server)
        before = len(hub.seen)
        for name in (CHAOWEN, NEWER, NEWER):
            assert (await ask(server, name=name)).error == PhonemizerMissingError.code
        assert len(hub.seen) == before
        assert (fetched(hub, CHAOWEN), fetched(hub, NEWER)) == (0, 0)
    kinds = {(issue.kind, issue.subject) for issue in server.status.issues()}
    assert (IssueKind.MISSING, NEWER) in kinds


async def test_language_without_a_voice_that_can_speak_says_why(
    start_server: Serve, tmp_path: Path
) -> None:
    files = repository({NEWER: {"phoneme_type": "PhonemeType.PINYIN"}})
    async with faulty_hub(files) as hub:
        await asyncio.to_thread(keep_catalogue, hub, tmp_path)
        server = await start_server(
            data_dir=tmp_path, hub_endpoint=hub.endpoint, languages=["zh"], install_wait=120
        )
        for _ in range(2):
            assert (await ask(server, language="zh")).error == PhonemizerMissingError.code
        assert fetched(hub, NEWER) == 0


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
async def test_configuration_of_pipers_own_tools_is_installed(
    tmp_path: Path, prefix: bytes
) -> None:
    changed = {"phoneme_type": "PhonemeType.ESPEAK", "espeak": {"voice": "es-419"}}
    files = repository({ALD: changed | {"speaker_id_map": None, "language": "es"}}, prefix)
    async with faulty_hub(files) as hub:
        flags = {"data_dir": tmp_path, "hub_endpoint": hub.endpoint}
        await asyncio.to_thread(keep_catalogue, hub, tmp_path)
        installer = await asyncio.to_thread(build_installer, load_settings(flags=flags))
        source = await asyncio.to_thread(installer.sources.find, ALD)
        voice = await installer.install(source)  # it has spoken, or this raises
    assert (voice.language, voice.prepared) == ("es", True)


@pytest.mark.parametrize("settings", [{}, {"auto_install": False}, {"offline": True}])
async def test_voice_that_cannot_speak_is_named_whatever_the_settings(
    start_server: Serve, tmp_path: Path, settings: dict[str, Any]
) -> None:
    server = await start_server(data_dir=tmp_path, hub_endpoint=NOWHERE, **settings)
    with pytest.raises(PhonemizerMissingError, match="pinyin"):
        await server.resolver.find(CHAOWEN)
    with pytest.raises(VoiceNotFoundError, match="huayan"):  # which can
        await server.resolver.find(language="zh")

"""The model card is kept with its voice, verified with it, and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Serve
from support.client import connected
from support.hub import FaultyHub, faulty_hub
from support.hub_voices import AMY, CARD, CARD_TEXT, JOE, amys_files
from support.voices import SINGLE
from wyoming_piper_hardened.catalogue.model_card import (
    MAX_CARD_BYTES,
    ModelCard,
    parse_card,
    read_card,
)
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.hub.files import CARD_NAME
from wyoming_piper_hardened.reporting.issues import Damage, DamageKind
from wyoming_piper_hardened.store.manifest import find_damage, read_manifest
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import custom_source, package_source

pytestmark = pytest.mark.slow


@pytest.fixture
async def hub() -> AsyncIterator[FaultyHub]:
    async with faulty_hub(amys_files(card=CARD_TEXT)) as started:
        yield started


@dataclass(frozen=True)
class Kept:
    """What a version has."""

    card: ModelCard | None
    recorded: bool
    damage: tuple[Damage, ...]


def look(version: Path) -> Kept:
    recorded = CARD_NAME in read_manifest(version).files
    return Kept(read_card(version), recorded, find_damage(version, digests=True))


async def kept(version: Path) -> Kept:
    return await asyncio.to_thread(look, version)


WITH_CARD = Kept(parse_card(CARD_TEXT), recorded=True, damage=())
WITHOUT_CARD = Kept(None, recorded=False, damage=())


def installer_in(data: Path, hub: FaultyHub | None = None) -> Installer:
    endpoint = {} if hub is None else {"hub_endpoint": hub.endpoint}
    return build_installer(load_settings(flags={"data_dir": data, **endpoint}))


async def installed(data: Path, hub: FaultyHub) -> Path:
    """Install the voice of the hub; return its version."""
    installer = installer_in(data, hub)
    voice = await installer.install(await installer.sources.search(AMY))
    assert voice.prepared
    return voice.model.parent


async def test_card_is_kept_and_recorded(hub: FaultyHub, tmp_path: Path) -> None:
    version = await installed(tmp_path, hub)
    assert (version / CARD_NAME).read_bytes() == CARD_TEXT
    assert await kept(version) == WITH_CARD


@pytest.mark.parametrize(
    "served",
    [None, CARD_TEXT.replace(b"CC0", b"CC1"), b"<!DOCTYPE html><html>", CARD_TEXT * 2, b""],
    ids=["missing", "changed", "page", "longer", "empty"],
)
async def test_failing_card_does_not_stop_an_installation(
    hub: FaultyHub, tmp_path: Path, served: bytes | None
) -> None:
    del hub.files[CARD]
    if served is not None:
        hub.files[CARD] = served
    version = await installed(tmp_path, hub)
    assert await kept(version) == WITHOUT_CARD
    assert not [path for path in version.iterdir() if path.name.startswith(CARD_NAME)]


async def test_card_of_10_megabytes_is_not_fetched(tmp_path: Path) -> None:
    async with faulty_hub(amys_files(card=b"x" * 10_000_000)) as hub:
        version = await installed(tmp_path, hub)
        assert not [one for one in hub.seen if one.path.endswith(CARD_NAME)]
    assert await kept(version) == WITHOUT_CARD


async def test_card_that_begins_with_markup_is_kept(tmp_path: Path) -> None:
    text = b"<h1>Amy</h1>".ljust(MAX_CARD_BYTES)
    async with faulty_hub(amys_files(card=text)) as hub:
        version = await installed(tmp_path, hub)
    assert (version / CARD_NAME).read_bytes() == text


async def test_voice_with_a_damaged_card_serves_until_it_is_repaired(
    hub: FaultyHub, start_server: Serve, tmp_path: Path
) -> None:
    version = await installed(tmp_path, hub)
    for damage in (CARD_TEXT.upper(), b"", None):
        (version / CARD_NAME).unlink()
        if damage is not None:
            (version / CARD_NAME).write_bytes(damage)
        assert await asyncio.to_thread(Store(tmp_path).serving, AMY) == version
    server = await start_server(data_dir=tmp_path, voice=AMY, auto_repair=False)
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks.", voice={"name": AMY})).pcm) > 1000
    installer = installer_in(tmp_path)  # no hub is there
    (found,) = await installer.verify(AMY)
    assert (found.file, found.kind) == (CARD_NAME, DamageKind.UNREADABLE)
    repaired = (await installer.repair(AMY)).model.parent
    assert repaired != version
    assert await kept(repaired) == WITHOUT_CARD


async def test_card_stays_when_only_the_parts_are_made_again(
    hub: FaultyHub, tmp_path: Path
) -> None:
    version = await installed(tmp_path, hub)
    (part,) = version.glob("decoder.onnx")
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    repaired = (await installer_in(tmp_path).repair(AMY)).model.parent
    assert repaired != version
    assert await kept(repaired) == WITH_CARD


async def test_version_without_a_card_is_left_as_it_is(hub: FaultyHub, tmp_path: Path) -> None:
    card = hub.files.pop(CARD)
    version = await installed(tmp_path, hub)
    hub.files[CARD] = card
    hub.seen.clear()
    assert await installed(tmp_path, hub) == version
    assert (await installer_in(tmp_path, hub).repair(AMY)).model.parent == version
    assert not [one for one in hub.seen if one.path.endswith((".onnx", CARD_NAME))]
    own = await asyncio.to_thread(custom_source, SINGLE)
    voice = await installer_in(tmp_path).install(own)
    assert await kept(voice.model.parent) == WITHOUT_CARD


async def test_card_of_the_embedded_voice_is_kept_when_it_is_prepared(prepared_data: Path) -> None:
    source, version = await asyncio.to_thread(
        lambda: (package_source(), Store(prepared_data).serving(JOE))
    )
    assert source is not None
    assert version is not None
    assert (version / CARD_NAME).read_bytes() == source.model.with_name(CARD_NAME).read_bytes()

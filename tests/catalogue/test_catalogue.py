"""The catalogue: contents, validation, saving, refreshing."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from support.hub import COMMIT
from support.hub_client import FOLDER, bench, real_voice
from support.hub_faults import Fault, voices_json
from wyoming_piper_hardened.catalogue.catalogue import (
    Catalogue,
    bundled,
    load,
    own_form,
    parse,
    refresh,
    save,
)
from wyoming_piper_hardened.catalogue.parser import encode_voices
from wyoming_piper_hardened.errors import CatalogueError, VoiceNotFoundError
from wyoming_piper_hardened.hub.errors import DownloadError
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH

NAME = "en_US-joe-medium"
MODEL = f"{FOLDER}/{NAME}.onnx"


@pytest.fixture(scope="module")
def hub_files() -> dict[str, bytes]:
    files = real_voice()
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return bundled()


def test_bundled_catalogue_has_every_voice_of_its_source(known: Catalogue) -> None:
    assert len(known) == 176
    assert len(known.languages) == 57
    assert sum(voice.number_of_speakers > 1 for voice in known) == 26
    assert sum(bool(voice.aliases) for voice in known) == 50
    assert not known.left_out
    assert "PyPI" in known.source
    assert all(f.path == f"{v.folder}/{f.name}" for v in known for f in v.files)
    assert all(len(v.speakers) in (0, v.number_of_speakers) for v in known)


def test_embedded_voice_is_that_of_the_catalogue(known: Catalogue) -> None:
    entry = voices_json(real_voice())[NAME]["files"]
    voice = known.find(NAME)
    for file in (voice.model, voice.config):
        assert entry[file.path] == {"size_bytes": file.size, "md5_digest": file.md5}
    assert voice.size == 63_206_088


def test_voices_are_found_by_name_alias_and_language(known: Catalogue) -> None:
    assert known.find(NAME).dataset == "joe"
    assert known.find("en-us-lessac-medium").name == "en_US-lessac-medium"
    assert known.find("pt_PT-tugão-medium").model.name == "pt_PT-tugão-medium.onnx"
    assert known.find("en_GB-semaine-medium").speakers["obadiah"] == 2
    assert known.find("en_US-libritts-high").number_of_speakers == 904
    assert {voice.language.code for voice in known.speaking("en-gb")} == {"en_GB"}
    assert {voice.language.code for voice in known.speaking("de_AT")} == {"de_DE"}
    assert {voice.language.code for voice in known.speaking("pt")} == {"pt_BR", "pt_PT"}
    assert known.speaking("xx") == ()


@pytest.mark.parametrize("name", ["en_US-jo-medium", "", "../../etc/passwd", "x" * 100_000])
def test_unknown_name_is_refused_with_similar_ones(known: Catalogue, name: str) -> None:
    with pytest.raises(VoiceNotFoundError) as raised:
        known.find(name)
    assert len(str(raised.value)) < 400
    assert (NAME in str(raised.value)) is (name == "en_US-jo-medium")


@given(st.text())
def test_any_name_can_be_looked_up(name: str) -> None:
    one = parse(json.dumps(voices_json({MODEL: b"1", f"{MODEL}.json": b"{}"})).encode(), "a test")
    one.speaking(name)
    if name not in (NAME, "en-us-joe-medium"):
        with pytest.raises(VoiceNotFoundError):
            one.find(name)


def test_catalogue_is_immutable(known: Catalogue) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        known.source = "elsewhere"  # type: ignore[misc]
    with pytest.raises(TypeError):
        known.voices["x"] = known.find(NAME)  # type: ignore[index]
    with pytest.raises(TypeError):
        known.find(NAME).speakers["x"] = 1  # type: ignore[index]


def test_names_of_unknown_form_are_left_out(known: Catalogue) -> None:
    voices = encode_voices(known)
    for name in ("en_US-joe-ultra", "pt_PT-tugâo-medium", "en_US-ј\u043ee-medium"):
        voices[name] = copy.deepcopy(voices[NAME])
    read = parse(json.dumps(voices).encode(), "a test")
    assert len(read) == len(known)
    assert len(read.left_out) == 3


def test_saved_catalogue_is_loaded_back(known: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "new" / "catalogue.json"
    at_commit = dataclasses.replace(known, commit=COMMIT)
    save(at_commit, path)
    assert load(path) == at_commit
    save(known, path)
    assert load(path) == known
    assert [entry.name for entry in path.parent.iterdir()] == ["catalogue.json"]


@pytest.mark.parametrize(
    "content",
    [None, b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 1, "source": 5, "voices": {}}'],
)
def test_damaged_catalogue_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "catalogue.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogueError):
        load(path)


@pytest.mark.parametrize("cut", range(0, 34_000, 3_400))
def test_truncated_catalogue_is_refused(known: Catalogue, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(own_form(known)[:cut])
    with pytest.raises(CatalogueError):
        load(path)


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_failing_disk_leaves_the_old_catalogue(
    known: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    path = tmp_path / "catalogue.json"
    save(known, path)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os if operation == "fsync" else Path, operation, fail)
    with pytest.raises(OSError, match="Input/output"):
        save(dataclasses.replace(known, source="newer"), path)
    monkeypatch.undo()
    assert load(path) == known
    assert [entry.name for entry in tmp_path.iterdir()] == ["catalogue.json"]


async def test_refresh_takes_catalogue_and_files_from_one_commit(
    hub_files: dict[str, bytes], tmp_path: Path
) -> None:
    async with bench(hub_files) as at_work:
        async with at_work.hub() as hub:
            read = await refresh(hub)
        assert (read.commit, read.source) == (COMMIT, at_work.server.endpoint)
        voice = read.find(NAME)
        await at_work.download(voice.config, tmp_path / "config.json")
        paths = [seen.path for seen in at_work.server.seen]
        assert [path.split("/")[4] for path in paths] == ["main", COMMIT, COMMIT]
        assert [seen.method for seen in at_work.server.seen] == ["HEAD", "GET", "GET"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.HTML, "captive-portal"),
        (Fault.JSON_ERROR, "not-a-model"),
        (Fault.EARLY_END, "catalogue-invalid"),
        (Fault.NO_COMMIT, "captive-portal"),
        (Fault.PORTAL, "captive-portal"),
        (Fault.NOT_FOUND, "not-on-hub"),
        (Fault.BUSY, "hub-unreachable"),
        (Fault.ENDLESS, "hub-answer-invalid"),
        (Fault.LOOP, "redirect-refused"),
    ],
)
async def test_failed_refresh_is_a_named_error(
    hub_files: dict[str, bytes], fault: Fault, code: str
) -> None:
    async with bench(hub_files) as at_work:
        at_work.server.fault(fault, at=100)
        async with at_work.hub() as hub:
            with pytest.raises((CatalogueError, DownloadError)) as raised:
                await refresh(hub)
        assert raised.value.code == code

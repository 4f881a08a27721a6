"""Untrusted catalogues are valid or refused; none of their paths leads out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from support.hub_client import FOLDER
from support.hub_faults import voices_json
from wyoming_piper_hardened.catalogue.catalogue import own_form, parse
from wyoming_piper_hardened.catalogue.parser import MAX_BYTES
from wyoming_piper_hardened.errors import CatalogueError

pytestmark = pytest.mark.slow

NAME = "en_US-joe-medium"
MODEL = f"{FOLDER}/{NAME}.onnx"


def change(*path: str) -> Callable[[Any, Any], Any]:
    """Return a change of the value at `path` of a catalogue with one voice."""

    def apply(voices: Any, value: Any) -> Any:
        parent = voices
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value
        return voices

    return apply


def renamed(path: str) -> Callable[[Any, Any], Any]:
    def apply(voices: Any, value: Any) -> Any:
        files = voices[NAME]["files"]
        files[value] = files.pop(path)
        return voices

    return apply


HOSTILE = [
    (lambda _, value: value, [[], {}, None, 5, "x", {NAME: []}, {NAME: None}]),
    (
        lambda v, key: {key: v[NAME]},
        ["../x", "a/b", "", "x" * 101, "a\n", "en_US-joe\0-low", "a b"],
    ),
    (lambda v, key: {key: v[NAME]}, ["en_US-joe-ultra", "joe"]),
    (lambda v, key: {key: v[NAME]}, ["en_US-other-medium", "en_GB-joe-medium", "en_US-joe-low"]),
    (change(NAME, "key"), ["other", None, 5]),
    (change(NAME, "name"), ["other", None, ["joe"]]),
    (change(NAME, "quality"), ["low", "best", None]),
    (change(NAME, "language"), [None, "en_US", []]),
    (change(NAME, "language", "code"), ["en_GB", "", None, 5]),
    (change(NAME, "language", "family"), ["..", "de", None]),
    (change(NAME, "language", "region"), ["GB", None]),
    (
        change(NAME, "language", "name_native"),
        ["", "x" * 101, "a\x1b[31m", "a\u202eb", "\ud800", 5],
    ),
    (change(NAME, "num_speakers"), [0, -1, True, 1.0, "1", None, 10**9, 10**400]),
    (change(NAME, "speaker_id_map"), [[], None, {"a": 1}, {"a": -1}, {"a": "0"}, {"\n": 0}]),
    (change(NAME, "aliases"), [None, "x", [5], ["../x"], ["x"] * 21, [""], ["a\nb"]]),
    (change(NAME, "files"), [None, [], {}, {MODEL: {"size_bytes": 1, "md5_digest": "0" * 32}}]),
    (change(NAME, "files", MODEL), [None, 5, {}]),
    (change(NAME, "files", MODEL, "size_bytes"), [0, -1, True, "1", 1.5, None, 2**30 + 1]),
    (change(NAME, "files", MODEL, "md5_digest"), ["", "0" * 31, "0" * 33, "G" * 32, 5, "A" * 32]),
    (
        renamed(MODEL),
        [
            f"../{MODEL}",
            f"/{MODEL}",
            f"{FOLDER}/../{NAME}.onnx",
            f"{FOLDER}//{NAME}.onnx",
            f"{FOLDER}/./{NAME}.onnx",
            f"{FOLDER}/..",
            f"{FOLDER}/",
            f"{FOLDER}/.hidden",
            f"{FOLDER}/a b",
            f"{FOLDER}\\{NAME}.onnx",
            f"{FOLDER}/{NAME}.onnx\0",
            f"{FOLDER}/{NAME}.onnx?x=1",
            f"{FOLDER}/%2e%2e",
            f"https://elsewhere.invalid/{MODEL}",
            f"en/en_US/joe/low/{NAME}.onnx",
            f"{NAME}.onnx",
            "",
        ],
    ),
]


@pytest.mark.parametrize(
    ("apply", "value"),
    [(apply, value) for apply, values in HOSTILE for value in values],  # type: ignore[attr-defined]
)
def test_malformed_catalogue_is_refused(apply: Callable[[Any, Any], Any], value: Any) -> None:
    voices = voices_json({MODEL: b"1", f"{MODEL}.json": b"{}"})
    data = json.dumps(apply(voices, value)).encode()
    with pytest.raises(CatalogueError) as raised:
        parse(data, "a test")
    assert raised.value.code == "catalogue-invalid"
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"<html>",
        b"\xff\xfe",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"9" * 10_000,
        b" " * (MAX_BYTES + 1),
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
    ids=range(11),
)
def test_invalid_json_is_refused(data: bytes) -> None:
    with pytest.raises(CatalogueError):
        parse(data, "a test")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
PLACES = [
    (NAME,),
    *((NAME, key) for key in ("key", "name", "language", "quality", "num_speakers", "files")),
    *((NAME, key) for key in ("speaker_id_map", "aliases")),
    *((NAME, "language", key) for key in ("code", "family", "name_native", "country_english")),
    (NAME, "files", MODEL),
    *((NAME, "files", MODEL, key) for key in ("size_bytes", "md5_digest")),
]
PATH = re.compile(rf"{FOLDER}/[A-Za-z0-9_][A-Za-z0-9_.-]*")


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_changed_catalogue_is_valid_or_refused(place: tuple[str, ...], value: Any) -> None:
    voices = change(*place)(voices_json({MODEL: b"1", f"{MODEL}.json": b"{}"}), value)
    try:
        read = parse(json.dumps(voices).encode(), "a test")
    except CatalogueError:
        return
    for voice in read:
        assert all(PATH.fullmatch(file.path) and file.size > 0 for file in voice.files)
    assert own_form(read).decode()


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_any_bytes_are_valid_or_refused(data: bytes) -> None:
    with pytest.raises(CatalogueError):
        parse(data, "a test")


@given(path=st.text(alphabet="./\\%enUSjoemdiu_-\0 ", max_size=60))
def test_paths_never_lead_out(path: str) -> None:
    voices = renamed(MODEL)(voices_json({MODEL: b"1", f"{MODEL}.json": b"{}"}), path)
    with pytest.raises(CatalogueError):
        parse(json.dumps(voices).encode(), "a test")

"""Manifests: anything but a whole one is damage of the version, and never an unexpected error."""

from __future__ import annotations

import asyncio
import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.engine.report import REPORT_NAME
from wyoming_piper_hardened.processes.preparation import prepare
from wyoming_piper_hardened.reporting.issues import DamageKind
from wyoming_piper_hardened.store.manifest import MANIFEST_NAME, find_damage, make_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices") / "single" / "version"
    folder.mkdir(parents=True)
    shutil.copy(SINGLE, folder)
    shutil.copy(SINGLE_CONFIG, folder)
    asyncio.run(prepare(folder / SINGLE.name, folder))
    make_manifest("single", Origin(OriginKind.CUSTOM, "1"), folder).write(folder)
    return folder


def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to each key of an object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key)
            yield from paths(inner, (*at, key))


def kinds(version: Path, data: Any) -> set[DamageKind]:
    """Return the kinds of damage of a version with that manifest."""
    whole = (version / MANIFEST_NAME).read_bytes()
    try:
        (version / MANIFEST_NAME).write_text(json.dumps(data))
        return {damage.kind for damage in find_damage(version, digests=True)}
    finally:
        (version / MANIFEST_NAME).write_bytes(whole)


def test_whole_manifest_is_no_damage(version: Path) -> None:
    assert find_damage(version, digests=True) == ()


def test_any_missing_key_is_damage(version: Path) -> None:
    whole = json.loads((version / MANIFEST_NAME).read_bytes())
    found = list(paths(whole))
    assert len(found) > 15
    for *way, key in found:
        data = inner = copy.deepcopy(whole)
        for step in way:
            inner = inner[step]
        del inner[key]
        assert kinds(version, data) == {DamageKind.MANIFEST}, (*way, key)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), JSON)
def test_any_other_value_is_damage(version: Path, data: st.DataObject, value: Any) -> None:
    whole = json.loads((version / MANIFEST_NAME).read_bytes())
    *way, key = data.draw(st.sampled_from(list(paths(whole))))
    inner = whole
    for step in way:
        inner = inner[step]
    if inner[key] == value or (key == "source" and isinstance(value, str)):
        return
    inner[key] = value
    assert kinds(version, whole) & {DamageKind.MANIFEST, DamageKind.SIZE, DamageKind.UNREADABLE}


@pytest.mark.parametrize("data", [None, [], 1, "x", {}, {"format": 1}], ids=repr)
def test_no_manifest_at_all_is_damage(version: Path, data: object) -> None:
    assert kinds(version, data) == {DamageKind.MANIFEST}


def test_manifest_of_another_voice_is_damage(version: Path) -> None:
    text = (version / MANIFEST_NAME).read_text()
    assert kinds(version, json.loads(text.replace("single", "other"))) == {DamageKind.MANIFEST}
    assert (version / REPORT_NAME).exists()

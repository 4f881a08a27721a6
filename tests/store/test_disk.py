"""Stores on disks that lack features, and stores that were moved from one kind to another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support.plain_disk import plain_disk
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.issues import IssueKind, Suggestion
from wyoming_piper_hardened.store.disk import folder_issue
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.installation.sources import custom_source

NAME = SINGLE.stem
KINDS = ("full", "plain")


def on(disk: str) -> contextlib.AbstractContextManager[None]:
    return plain_disk() if disk == "plain" else contextlib.nullcontext()


def commit(store: Store, content: bytes) -> Path:
    """Commit a version of a voice that nobody loads; returns its folder."""
    with store.try_lock(NAME) as free:
        assert free
        stage = store.begin(1)
        try:
            (stage / f"{NAME}.onnx").write_bytes(content)
            shutil.copyfile(SINGLE_CONFIG, stage / f"{NAME}.onnx.json")
            voice = store.commit(NAME, Origin(OriginKind.CUSTOM, "x"), stage)
        finally:
            store.abandon(stage)
    return voice.model.parent


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_store_of_one_kind_is_used_by_the_other(tmp_path: Path, before: str, after: str) -> None:
    with on(before):
        first = commit(Store(tmp_path), b"first")
    current = first.with_name("current")
    assert current.is_symlink() == (before == "full")
    with on(after):
        store = Store(tmp_path)
        assert store.current(NAME) == store.serving(NAME) == first
        second = commit(store, b"second")
        assert store.current(NAME) == store.serving(NAME) == second != first
        assert current.is_symlink() == (after == "full")
        assert set(store.versions(NAME)) == {first, second}
        assert store.recover() == 0
        with store.try_lock(NAME) as free:
            assert free
    assert not list((tmp_path / "staging").iterdir())
    with on(after):
        store.remove(NAME)
    assert names(tmp_path) <= {"voices", "staging", "locks", NAME}
    assert store.names() == []


@pytest.mark.parametrize("disk", KINDS)
def test_copy_that_followed_the_link_is_used(tmp_path: Path, disk: str) -> None:
    """As ``cp --dereference`` does from a disk with links to one without."""
    first = commit(Store(tmp_path / "before"), b"first")
    shutil.copytree(tmp_path / "before", tmp_path / "data")
    store = Store(tmp_path / "data")
    current = tmp_path / "data" / "voices" / NAME / "current"
    assert current.is_dir()
    assert not current.is_symlink()
    assert [version.name for version in store.versions(NAME)] == [first.name]
    serving = store.serving(NAME)
    assert serving
    assert serving.name == first.name
    with on(disk):
        second = commit(store, b"second")
        assert store.current(NAME) == store.serving(NAME) == second


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"..", b"../x", b"/etc", b"a/b", b"\0", b"\xff\xfe", b"x" * 5000]
)
def test_pointer_that_leads_nowhere_is_not_followed(tmp_path: Path, content: bytes) -> None:
    version = commit(Store(tmp_path), b"first")
    current = version.with_name("current")
    current.unlink()
    current.write_bytes(content)
    store = Store(tmp_path)
    assert store.current(NAME) not in store.versions(NAME)
    assert store.serving(NAME) == version


@pytest.mark.parametrize("left", KINDS)
@pytest.mark.parametrize("disk", KINDS)
def test_remains_of_a_killed_transaction_are_removed(tmp_path: Path, left: str, disk: str) -> None:
    """Whichever kind of lock the process had."""
    program = (
        "import os; from pathlib import Path; from support.plain_disk import plain_disk\n"
        "from wyoming_piper_hardened.store.store import Store; import contextlib\n"
        f"with plain_disk() if {left == 'plain'} else contextlib.nullcontext():\n"
        f"    store = Store(Path({str(tmp_path)!r}))\n"
        "    (store.begin(1) / 'model').write_bytes(b'1234')\n"
        "    os._exit(0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert len(list((tmp_path / "staging").iterdir())) == 2
    with on(disk):
        assert Store(tmp_path).recover() == 4
    assert not list((tmp_path / "staging").iterdir())


@pytest.mark.parametrize("disk", KINDS)
def test_transaction_under_way_is_left_alone(tmp_path: Path, disk: str) -> None:
    with on(disk):
        busy = Store(tmp_path)
        stage = busy.begin(1)
        assert Store(tmp_path).recover() == 0
        assert stage.exists()
        busy.abandon(stage)
        assert not list((tmp_path / "staging").iterdir())


def test_commit_after_the_lock_was_lost_changes_nothing(tmp_path: Path) -> None:
    with plain_disk():
        store = Store(tmp_path)
        first = commit(store, b"first")
        with store.try_lock(NAME):
            stage = store.begin(1)
            (stage / f"{NAME}.onnx").write_bytes(b"second")
            shutil.copyfile(SINGLE_CONFIG, stage / f"{NAME}.onnx.json")
            (tmp_path / "locks" / f".{NAME}").write_text("another one's")
            with pytest.raises(OSError, match="took the lock over"):
                store.commit(NAME, Origin(OriginKind.CUSTOM, "x"), stage)
            store.abandon(stage)
    assert store.serving(NAME) == first


def test_missing_features_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with plain_disk():
        store = Store(tmp_path)
        for content in (b"first", b"second"):
            commit(store, content)
    said = [record.msg.name for record in caplog.records if isinstance(record.msg, Event)]
    features = ("folder-sync", "locks", "symbolic-links")
    assert sorted(said) == [f"disk-without-{feature}" for feature in features]
    caplog.clear()
    commit(Store(tmp_path), b"third")
    assert not caplog.records


async def test_voices_on_exfat(exfat: Path, tmp_path: Path) -> None:
    """With real processes; then the folder moves to a disk with all features, and back."""
    data = exfat / "data"
    for suffix, file in ((".onnx", SINGLE), (".onnx.json", SINGLE_CONFIG)):
        shutil.copyfile(file, tmp_path / f"own{suffix}")
    own = tmp_path / "own.onnx"

    def installed(folder: Path) -> tuple[Store, Path]:
        store = Store(folder)
        version = store.serving("own")
        assert version
        assert version == store.current("own")
        assert find_damage(version, digests=True) == ()
        return store, version

    installer = build_installer(load_settings(flags={"data_dir": data}))
    voice = await installer.install(await asyncio.to_thread(custom_source, own))
    assert voice.prepared
    store, version = await asyncio.to_thread(installed, data)
    assert version.with_name("current").read_bytes() == f"{version.name}\n".encode()
    decoder = version / "decoder.onnx"
    await asyncio.to_thread(decoder.write_bytes, b"flipped")
    assert (await installer.repair("own")).prepared
    _, repaired = await asyncio.to_thread(installed, data)
    assert repaired != version
    moved = tmp_path / "moved"
    await asyncio.to_thread(shutil.copytree, data, moved, symlinks=True)
    installer = build_installer(load_settings(flags={"data_dir": moved}))
    _, version = await asyncio.to_thread(installed, moved)
    os.utime(own)
    await installer.install(await asyncio.to_thread(custom_source, own))
    _, version = await asyncio.to_thread(installed, moved)
    assert version.with_name("current").is_symlink()
    await asyncio.to_thread(shutil.rmtree, data)
    await asyncio.to_thread(shutil.copytree, moved, data)  # follows the link, as it must there
    store = Store(data)
    serving = await asyncio.to_thread(store.serving, "own")
    assert serving
    installer = build_installer(load_settings(flags={"data_dir": data}))
    await installer.remove("own")
    assert await asyncio.to_thread(store.names) == []


def test_voice_is_removed_although_an_engine_has_its_files_open(exfat: Path) -> None:
    """Such a disk keeps open files under other names in their folder."""
    store = Store(exfat / "data")
    version = commit(store, b"first")
    with (version / f"{NAME}.onnx").open("rb"):
        store.remove(NAME)
        assert store.names() == []
    store.recover()
    assert not list((exfat / "data" / "staging").iterdir())


@pytest.mark.parametrize("folder", ["", "locks", f"voices/{NAME}"])
def test_folder_of_another_user_is_named_with_what_helps(folder: str) -> None:
    if os.geteuid():
        pytest.skip("needs root to give folders away")
    nobody = 65534
    with tempfile.TemporaryDirectory() as made:  # one that others may look into
        root = Path(made)
        root.chmod(0o755)
        data = root / "data"
        commit(Store(data), b"first")
        for path in (data, *data.rglob("*")):
            os.chown(path, nobody, nobody, follow_symlinks=False)
        assert shown_as(nobody, data) == repr(None)
        os.chown(data / folder, 0, 0)
        shown = shown_as(nobody, data)
    for part in (IssueKind.UNWRITABLE, Suggestion.CHANGE_OWNER, "foreign-owner"):
        assert repr(part) in shown
    params = {"reason": "Permission denied", "folder": data / folder}
    assert repr({**params, "owner": "0", "user": str(nobody)}) in shown


def shown_as(user: int, data: Path) -> str:
    """Return the issue of a data directory as another user has it."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.setresuid(user, user, user)
        os.write(write, repr(folder_issue(data)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return pipe.read()

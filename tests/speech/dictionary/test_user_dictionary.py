"""The user's dictionary: read again when it changes, never worse than before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from conftest import Disk, Script, Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.errors import (
    DictionaryChangedError,
    DictionaryRefusedError,
    NoSpaceError,
    WordNotFoundError,
)
from wyoming_piper_hardened.reporting.issues import IssueKind
from wyoming_piper_hardened.speech.dictionary.user_dictionary import UserDictionary
from wyoming_piper_hardened.text.dictionary.entries import Entry
from wyoming_piper_hardened.text.dictionary.parsing import MAX_BYTES
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings

PLS = (
    '<lexicon alphabet="ipa" xml:lang="de"><lexeme><grapheme>Guys</grapheme>'
    "<alias>gais</alias></lexeme></lexicon>"
)


def test_files_of_all_folders_are_one_and_the_first_wins(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "dictionary.yaml").write_text("de: {Piper: Peiper}", encoding="utf-8")
    second = "de: {Piper: Falsch, Kiosk: Kiosk zwei}"
    (tmp_path / "b" / "dictionary.yaml").write_text(second, encoding="utf-8")
    (tmp_path / "b" / "dictionary.pls").write_text(PLS, encoding="utf-8")
    user = UserDictionary([tmp_path / "a", tmp_path / "b", tmp_path / "none"])
    assert not any(user.read().values())
    assert user.current.replace("Piper Kiosk Guys", "de") == "Peiper Kiosk zwei gais"
    assert user.read() == {}  # nothing has changed
    (tmp_path / "a" / "dictionary.yaml").unlink()
    user.read()
    assert user.current.replace("Piper", "de") == "Falsch"


def test_what_was_usable_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "dictionary.yaml"
    user = UserDictionary([tmp_path])
    file.write_text("de: {Piper: Peiper}", encoding="utf-8")
    user.read()
    for content in (b"de: {Piper: [", b"\xff", b"x" * (MAX_BYTES + 1)):
        file.write_bytes(content)
        (errors,) = user.read().values()
        assert errors
        assert user.current.replace("Piper", "de") == "Peiper"
    file.write_text("de: {'': x, Piper: Pieper}", encoding="utf-8")
    (errors,) = user.read().values()
    assert [error.code for error in errors] == ["key"]  # the rest holds
    assert user.current.replace("Piper", "de") == "Pieper"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop"])
def test_what_is_no_file_is_no_dictionary(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "dictionary.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    user = UserDictionary([tmp_path])
    assert user.read() == {}
    assert not user.current


async def test_changes_are_spoken_and_mistakes_are_issues(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    file = folder / "dictionary.yaml"
    file.write_text("en: {Jerry: Cherry}", encoding="utf-8")
    server = await start_server(
        script(),
        custom_voice_dirs=[str(folder)],
        maintenance=MaintenanceTimings(custom_interval=0.05),
    )
    assert server.port

    async def spoken() -> str:
        assert server.port
        async with connected(server.port) as client:
            await client.say("Hello Jerry.")
        return (tmp_path / "executions").read_text(encoding="utf-8").splitlines()[-1]

    def issues() -> list[str]:
        return [str(one) for one in server.jobs.issues if one.kind is IssueKind.DICTIONARY]

    await eventually(lambda: bool(server.synthesizer.profile(server.resolver.resolve()).dictionary))
    assert await spoken() == "0 Hello Cherry."
    file.write_text("en:\n  Jerry: Sherry\n  '?': x\n", encoding="utf-8")
    await eventually(issues)
    assert issues()[0].startswith("line 3: ")
    assert await spoken() == "0 Hello Sherry."
    file.write_text("en: {Jerry: Perry}", encoding="utf-8")
    await eventually(lambda: not issues())
    assert await spoken() == "0 Hello Perry."


def words(user: UserDictionary) -> dict[str, str]:
    return {entry.key: entry.value for _, entry, _ in user.entries()}


def test_words_are_written_next_to_the_users_voices(tmp_path: Path) -> None:
    folder, own = tmp_path / "voices", tmp_path / "own"
    folder.mkdir()
    user = UserDictionary([tmp_path / "none", folder], own)
    user.read()
    file = folder / "dictionary.yaml"
    assert user.target() == file
    user.put("de", Entry("Hue", "Hju"), user.version)
    assert file.read_text(encoding="utf-8") == "de:\n  Hue: Hju\n"
    assert user.current.replace("Hue", "de") == "Hju"
    file.chmod(0o640)
    user.put("de", Entry("Hue", "Hüh"), user.version)
    assert words(user) == {"Hue": "Hüh"}
    assert file.stat().st_mode & 0o777 == 0o640
    user.remove("de", "Hue", user.version)
    assert words(user) == {}
    assert [path.name for path in folder.iterdir()] == ["dictionary.yaml"]  # nothing left behind
    with pytest.raises(WordNotFoundError):
        user.remove("de", "Hue", user.version)


def test_a_word_of_another_file_is_overruled_where_that_can_be_done(tmp_path: Path) -> None:
    folder, own = tmp_path / "voices", tmp_path / "own"
    folder.mkdir()
    (folder / "dictionary.pls").write_text(PLS, encoding="utf-8")
    user = UserDictionary([folder], own)
    user.read()
    with pytest.raises(DictionaryRefusedError, match="by hand"):
        user.remove("de", "Guys", user.version)
    user.put("de", Entry("Guys", "Gies"), user.version)  # the YAML wins over the lexicon beside it
    assert words(user) == {"Guys": "Gies"}
    user.remove("de", "Guys", user.version)
    assert words(user) == {"Guys": "gais"}
    (folder / "dictionary.yaml").write_text("de: [", encoding="utf-8")
    user.read()
    user.put("de", Entry("Guys", "Gies"), user.version)  # a broken file is left to its owner
    assert (folder / "dictionary.yaml").read_text(encoding="utf-8") == "de: ["
    assert (own / "dictionary.yaml").read_text(encoding="utf-8") == "de:\n  Guys: Gies\n"
    assert words(user) == {"Guys": "Gies"}


def test_a_change_of_somebody_else_is_never_lost(tmp_path: Path) -> None:
    file = tmp_path / "dictionary.yaml"
    file.write_text("de: {a: b}\n", encoding="utf-8")
    user = UserDictionary([tmp_path])
    user.read()
    seen = user.version
    file.write_text("de: {a: c}\n", encoding="utf-8")
    with pytest.raises(DictionaryChangedError):
        user.put("de", Entry("x", "y"), seen)
    with pytest.raises(DictionaryChangedError):
        user.remove("de", "a", seen)
    assert file.read_text(encoding="utf-8") == "de: {a: c}\n"
    assert words(user) == {"a": "c"}
    user.put("de", Entry("x", "y"), user.version)
    assert words(user) == {"a": "c", "x": "y"}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path, real = tmp_path / "dictionary.yaml", tmp_path / "real.yaml"
    real.write_text("de: {a: b}\n", encoding="utf-8")
    if kind == "link":
        path.symlink_to(real)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    user = UserDictionary([tmp_path])
    user.read()
    with pytest.raises(DictionaryRefusedError, match="cannot be written to"):
        user.put("de", Entry("a", "c"), user.version)
    assert path.is_symlink() == (kind == "link")
    assert real.read_text(encoding="utf-8") == "de: {a: b}\n"


def test_a_folder_that_is_read_only_leaves_the_words_to_the_servers_own(
    disk: Disk, tmp_path: Path
) -> None:
    folder = disk("1m")
    (folder / "dictionary.yaml").write_text("de: {a: b}\n", encoding="utf-8")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    alone, user = UserDictionary([folder]), UserDictionary([folder], tmp_path / "own")
    for one in (alone, user):
        one.read()
    assert alone.target() is None
    with pytest.raises(DictionaryRefusedError, match="cannot be written to"):
        alone.put("de", Entry("a", "c"), alone.version)
    user.put("de", Entry("a", "c"), user.version)
    assert words(user) == {"a": "c"}
    user.remove("de", "a", user.version)
    assert words(user) == {"a": "b"}


def test_a_full_disk_leaves_the_file_as_it_was(disk: Disk) -> None:
    folder = disk("64k")
    before = "de:\n" + "".join(f"  word{number}: {'x' * 100}\n" for number in range(300))
    (folder / "dictionary.yaml").write_text(before, encoding="utf-8")
    user = UserDictionary([folder])
    user.read()
    with pytest.raises(NoSpaceError):
        user.put("de", Entry("a", "c"), user.version)
    assert (folder / "dictionary.yaml").read_text(encoding="utf-8") == before
    assert len(words(user)) == 300

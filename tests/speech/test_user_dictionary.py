"""The user's dictionary: read again when it changes, never worse than before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Script, Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.reporting.issues import IssueKind
from wyoming_piper_hardened.speech.user_dictionary import UserDictionary
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

    await eventually(
        lambda: bool(server.synthesizer.profile(next(iter(server.library))).dictionary)
    )
    assert await spoken() == "0 Hello Cherry."
    file.write_text("en:\n  Jerry: Sherry\n  '?': x\n", encoding="utf-8")
    await eventually(issues)
    assert issues()[0].startswith("line 3: ")
    assert await spoken() == "0 Hello Sherry."
    file.write_text("en: {Jerry: Perry}", encoding="utf-8")
    await eventually(lambda: not issues())
    assert await spoken() == "0 Hello Perry."

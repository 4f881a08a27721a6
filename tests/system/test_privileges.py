"""Giving up root: in processes of their own, because it cannot be undone."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

_PROGRAM = """
import json, logging, os, sys
from pathlib import Path
from wyoming_piper_hardened.system.privileges import drop_privileges
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
order = json.loads(sys.argv[1])
if "become" in order:
    os.setresuid(order["become"], order["become"], order["become"])
if "bound" in order:  # as `--cap-drop ALL` leaves it
    import ctypes
    for capability in range(64):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2], json.dumps(order["bound"])])
dropped = drop_privileges(
    order["user"], [Path(f) for f in order["folders"]], [Path(f) for f in order.get("readable", ())]
)
lines = Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
print(json.dumps({
    "dropped": dropped, "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
    "home": os.environ.get("HOME"), "no_new_privileges": status["NoNewPrivs"],
    "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16),
}))
"""

NOBODY = pwd.getpwnam("nobody")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")


def drop(**order: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the end of the process, and what it logged."""
    order = {"user": "nobody", **order}
    # Coverage could not write its file any more.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE")}
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(order), _PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer, ended.stderr.splitlines()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Root's own folder, in one that everybody may enter."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        data = Path(path) / "data"
        data.mkdir(mode=0o700)
        yield data


def owner(path: Path) -> int:
    return path.lstat().st_uid


@as_root
def test_the_folder_changes_hands_and_root_is_gone(folder: Path) -> None:
    (folder / "voices").mkdir(mode=0o700)
    (folder / "voices" / "a.onnx").write_bytes(b"x")
    (folder / "options.json").write_text("{}")
    (folder / "options.json").chmod(0o600)  # as Home Assistant's Supervisor writes it

    answer, log = drop(folders=[str(folder)])

    assert answer == {
        "dropped": True,
        "uids": [NOBODY.pw_uid] * 3,
        "gids": [NOBODY.pw_gid] * 3,
        "groups": [],
        "home": NOBODY.pw_dir,
        "no_new_privileges": "1",
        "capabilities": 0,
    }
    assert log == [f"running as nobody (user {NOBODY.pw_uid})"]
    assert {owner(path) for path in (folder, *folder.rglob("*"))} == {NOBODY.pw_uid}


@as_root
def test_a_missing_folder_is_made(folder: Path) -> None:
    new = folder.parent / "new"

    answer, _ = drop(folders=[str(new)])

    assert answer["dropped"]
    assert owner(new) == NOBODY.pw_uid


@as_root
def test_links_lead_nowhere(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.mkdir()
    (secret / "key").write_text("")
    (folder / "link").symlink_to(secret)
    (folder / "file").symlink_to(secret / "key")
    (folder / "second-name").hardlink_to(secret / "key")

    answer, _ = drop(folders=[str(folder)])

    assert answer["dropped"]
    assert owner(secret) == owner(secret / "key") == 0


@as_root
def test_what_belongs_to_the_user_is_not_touched(folder: Path) -> None:
    file = folder / "mine"
    file.write_text("")
    os.chown(folder, NOBODY.pw_uid, 0)
    os.chown(file, NOBODY.pw_uid, 0)

    drop(folders=[str(folder)])

    assert file.stat().st_gid == 0  # a chown of it would have set the group, too


@as_root
@pytest.mark.parametrize("kind", ["folders", "readable"])
def test_root_stays_where_the_user_would_lose_access(folder: Path, kind: str) -> None:
    """Below a folder that only root may enter, a changed owner is no help."""
    inner = folder / "inner"
    inner.mkdir(mode=0o700)

    answer, log = drop(**{"folders": [], kind: [str(inner)]})

    assert not answer["dropped"]
    assert answer["uids"] == answer["gids"] == [0, 0, 0]
    assert log == [f"running as root: nobody would lose access to {inner}"]


@as_root
def test_what_root_cannot_reach_is_no_reason_to_stay_root(folder: Path) -> None:
    answer, _ = drop(folders=[str(folder)], readable=[str(folder.parent / "missing")])

    assert answer["dropped"]


@as_root
def test_an_unknown_user_is_reported(folder: Path) -> None:
    answer, log = drop(user="no-such-user", folders=[str(folder)])

    assert not answer["dropped"]
    assert log == ["running as root: there is no user 'no-such-user' here"]
    assert owner(folder) == 0


@as_root
def test_a_container_without_capabilities_goes_on_as_it_is(folder: Path) -> None:
    answer, log = drop(bound={"user": "nobody", "folders": [str(folder)]})

    assert not answer["dropped"]
    assert answer["uids"] == [0, 0, 0]
    assert log == ["running as root: becoming nobody is refused: Operation not permitted"]


def test_an_ordinary_user_stays_what_it_is() -> None:
    user = os.geteuid() or NOBODY.pw_uid
    answer, log = drop(become=user, folders=[])

    assert not answer["dropped"]
    assert answer["uids"] == [user] * 3
    assert answer["no_new_privileges"] == "1"
    assert log == [f"running as user {user}"]

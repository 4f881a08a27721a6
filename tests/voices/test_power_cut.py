"""A commit that is cut off anywhere leaves the old version or the new one, never a mixture."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Report
from support import power_cut
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.store import Store

pytestmark = pytest.mark.slow

NAME = SINGLE.stem


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    split(SINGLE, SINGLE_CONFIG, folder)
    return folder


def cut(data: Path, number: int, action: str, model: Path, parts: Path) -> tuple[int, int]:
    """Return the exit code, and the number of operations if it came to its end."""
    command = [sys.executable, power_cut.__file__, str(data), str(number), action, str(model)]
    done = subprocess.run([*command, str(parts)], stdout=subprocess.PIPE, check=False)
    return done.returncode, int(done.stdout or 0)


def digest(model: Path) -> str:
    return hashlib.sha256(model.read_bytes()).hexdigest()


def serving(data: Path) -> str | None:
    """Return the digest of the model that serves after recovery; None without a version."""
    store = Store(data)
    store.recover()
    assert not list(data.glob("staging/*"))
    version = store.serving(NAME)
    if version is None:
        return None
    assert find_damage(version, digests=True) == ()
    served = digest(version / f"{NAME}.onnx")
    store.recover()  # a second recovery changes nothing
    assert store.serving(NAME) == version
    assert digest(version / f"{NAME}.onnx") == served
    return served


@pytest.mark.parametrize("action", ["install", "update", "repair"])
def test_power_cut_at_every_file_operation(
    tmp_path: Path, parts: Path, action: str, report: Report
) -> None:
    old = tmp_path / "old" / SINGLE.name
    new = tmp_path / "new" / SINGLE.name
    for model in (old, new):
        model.parent.mkdir()
        shutil.copy(SINGLE, model)
        shutil.copy(SINGLE_CONFIG, f"{model}.json")
    new.write_bytes(new.read_bytes() + b"\0")  # protobuf ignores nothing, but nobody loads it here
    before = tmp_path / "before"
    if action != "install":
        assert (cut(before, 0, "install", old, parts))[0] == 0
    if action == "repair":  # the serving version is damaged
        (damaged,) = before.glob(f"voices/{NAME}/*-*/decoder.onnx")
        damaged.write_bytes(b"flipped")
    allowed: set[str | None] = {digest(old), digest(new)}
    if action != "update":
        allowed.add(None)

    verb = action.replace("update", "install")

    def at(number: int) -> int:
        data = tmp_path / str(number)
        if before.exists():
            shutil.copytree(before, data, symlinks=True)
        code, count = cut(data, number, verb, new, parts)
        assert serving(data) in allowed, f"cut at operation {number}"
        shutil.rmtree(data, ignore_errors=True)
        return count if code == 0 else code

    count = at(0)
    assert count > 20
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(at, range(1, count + 1)))
    assert codes == [power_cut.EXIT] * count
    report(f"{action}: cut at each of {count} operations, never a mixture")

"""A commit that is cut off anywhere leaves the old version or the new one, never a mixture."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Report
from support import power_cut
from support.plain_disk import plain_disk
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.system.disk.locks import LeaseTimings

pytestmark = pytest.mark.long

NAME = SINGLE.stem


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    split(SINGLE, SINGLE_CONFIG, folder)
    return folder


def cut(
    data: Path, number: int, action: str, model: Path, parts: Path, disk: str
) -> tuple[int, int]:
    """Return the exit code, and the number of operations if it came to its end."""
    command = [sys.executable, "-m", power_cut.__name__, str(data), str(number), action]
    command += [str(model), str(parts), disk]
    environment = {**os.environ, "PYTHONPATH": str(Path(power_cut.__file__).parents[1])}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    return done.returncode, int(done.stdout or 0)


def digest(model: Path) -> str:
    return hashlib.sha256(model.read_bytes()).hexdigest()


def serving(data: Path, disk: str) -> str | None:
    """Return the digest of the model that serves after recovery; None without a version."""
    # Nobody else is there: an owner that was cut off before its name was written is not waited for.
    store = Store(data, leases=LeaseTimings(expiry=0.0))
    with plain_disk() if disk == "plain" else contextlib.nullcontext():
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


@pytest.mark.parametrize("disk", ["full", "plain"])
@pytest.mark.parametrize("action", ["install", "update", "repair"])
def test_power_cut_at_every_file_operation(
    tmp_path: Path, parts: Path, action: str, disk: str, report: Report
) -> None:
    """The version before is one of a disk with all features, as if it had been moved."""
    old = tmp_path / "old" / SINGLE.name
    new = tmp_path / "new" / SINGLE.name
    for model in (old, new):
        model.parent.mkdir()
        shutil.copy(SINGLE, model)
        shutil.copy(SINGLE_CONFIG, f"{model}.json")
    new.write_bytes(new.read_bytes() + b"\0")  # protobuf ignores nothing, but nobody loads it here
    before = tmp_path / "before"
    if action != "install":
        assert (cut(before, 0, "install", old, parts, "full"))[0] == 0
    if action == "repair":  # the serving version is damaged
        (damaged,) = before.glob(f"voices/{NAME}/*-*/decoder.onnx")
        damaged.write_bytes(b"flipped")
    allowed: set[str | None] = {digest(old), digest(new)}
    if action != "update":
        allowed.add(None)

    one_at_a_time = threading.Lock()  # the disk is plain for the whole process
    verb = action.replace("update", "install")

    def at(number: int) -> int:
        data = tmp_path / str(number)
        with one_at_a_time:
            if before.exists():
                shutil.copytree(before, data, symlinks=True)
        code, count = cut(data, number, verb, new, parts, disk)
        with one_at_a_time:
            assert serving(data, disk) in allowed, f"cut at operation {number}"
        shutil.rmtree(data, ignore_errors=True)
        return count if code == 0 else code

    count = at(0)
    assert count > 20
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(at, range(1, count + 1)))
    assert codes == [power_cut.EXIT] * count
    report(f"{action} on a {disk} disk: cut at each of {count} operations, never a mixture")

"""Locks by files with an owner: only one holds them, and they end with their process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wyoming_piper_hardened.system.disk.locks import LeaseLocks, LeaseTimings, Process, lease_of

SECONDS = 30.0
HOLDER = """
import sys
from pathlib import Path
from wyoming_piper_hardened.system.disk.locks import LeaseLocks
with LeaseLocks().try_lock(Path(sys.argv[1])) as taken:
    print(taken, flush=True)
    sys.stdin.read()
"""
ADDER = """
import sys, time, random
from pathlib import Path
from wyoming_piper_hardened.system.disk.locks import LeaseLocks
locks, number, left = LeaseLocks(), Path(sys.argv[2]), 40
while left:
    with LeaseLocks().try_lock(Path(sys.argv[1])) as taken:
        if taken:
            before = int(number.read_text())
            time.sleep(0.001)
            number.write_text(str(before + 1))
            left -= 1
            if sys.argv[3] == "dies" and left == 20:
                import os
                os._exit(0)
    time.sleep(random.uniform(0, 0.002))
"""


class Clock:
    """A clock that only moves when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "amy"


def taken(locks: LeaseLocks, path: Path) -> bool:
    with locks.try_lock(path) as free:
        return free


def test_one_holds_a_lock_at_a_time(path: Path) -> None:
    with LeaseLocks().try_lock(path) as free:
        assert free
        assert not taken(LeaseLocks(), path)
        assert taken(LeaseLocks(), path.with_name("other"))
    assert taken(LeaseLocks(), path)
    assert not list(path.parent.iterdir())


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_lock_of_a_running_process_never_expires(path: Path, holder: subprocess.Popen[str]) -> None:
    clock = Clock()
    locks = LeaseLocks(clock=clock)
    assert holder.poll() is None
    for _ in range(3):
        assert not taken(locks, path)
        clock.now += 10 * SECONDS


def test_lock_of_a_killed_process_is_taken_over_at_once(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    assert not taken(LeaseLocks(), path)
    holder.kill()
    holder.wait()
    assert lease_of(path).exists()
    assert taken(LeaseLocks(), path)
    assert not list(path.parent.iterdir())


def test_number_of_an_ended_process_that_another_one_has_now(path: Path) -> None:
    this = Process.this()
    owner = {"boot": this.boot, "namespace": this.namespace, "pid": this.pid}
    lease_of(path).write_text(json.dumps({**owner, "started": this.started - 1}))
    assert taken(LeaseLocks(), path)


def foreign(path: Path) -> Path:
    """Return the file of an owner in another container."""
    lease = lease_of(path)
    owner = {"boot": "x", "namespace": "pid:[1]", "pid": 1, "started": 1, "token": "t"}
    lease.write_text(json.dumps(owner))
    return lease


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"boot": 1}', "\0" * 5000])
def test_owner_that_cannot_be_seen_expires_without_a_sign_of_life(
    path: Path, text: str | None
) -> None:
    lease = foreign(path)
    if text is not None:  # cut off by a crash
        lease.write_text(text)
    clock = Clock()
    locks = LeaseLocks(LeaseTimings(expiry=SECONDS), clock)
    assert not taken(locks, path)
    clock.now += SECONDS - 1
    assert not taken(locks, path)
    os.utime(lease, ns=(1, 1))  # a sign of life, whatever its clock says
    assert not taken(locks, path)
    clock.now += SECONDS - 1
    assert not taken(locks, path)
    clock.now += 1
    assert taken(locks, path)
    assert not list(path.parent.iterdir())


def test_owner_shows_signs_of_life(path: Path) -> None:
    with LeaseLocks(LeaseTimings(beat=0.01)).try_lock(path):
        lease = lease_of(path)
        os.utime(lease, ns=(1, 1))
        while lease.stat().st_mtime_ns == 1:
            pass


def test_killed_while_it_takes_over(path: Path) -> None:
    foreign(path)
    breaker = lease_of(path).with_name(f"{lease_of(path).name}~")
    breaker.write_text("")
    clock = Clock()
    locks = LeaseLocks(LeaseTimings(expiry=SECONDS), clock)
    results = []
    for _ in range(6):
        results.append(taken(locks, path))
        clock.now += SECONDS
    assert True in results
    assert not list(path.parent.iterdir())


def test_lost_lock_is_noticed(path: Path) -> None:
    locks = LeaseLocks()
    locks.check(path)
    with locks.try_lock(path) as free:
        assert free
        locks.check(path)
        lease = lease_of(path)
        lease.unlink()
        with pytest.raises(OSError, match="No such file"):
            locks.check(path)
        foreign(path)
        with pytest.raises(OSError, match="took the lock over"):
            locks.check(path)
    assert lease.exists()  # it is the other one's


def test_processes_exclude_each_other_although_one_dies(tmp_path: Path, path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("0")
    command = [sys.executable, "-c", ADDER, str(path), str(number)]
    adders = [subprocess.Popen([*command, how]) for how in ("lives", "dies", "lives")]
    assert [adder.wait(120) for adder in adders] == [0, 0, 0]
    assert int(number.read_text()) == 40 + 20 + 40

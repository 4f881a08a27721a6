"""The watch over a server that is attacked: its memory, its loop, its disk and its log.

``with watched(server) as watch:`` samples in a process of its own, so that nothing a test does
delays it. On leaving it fails the test if a limit was exceeded, whatever the answers were.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import re
import select
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from support.web_server import WebServer

MAX_LAG = 0.1
"""Seconds that the event loop may take for an answer, on a machine that is not busy."""

_INTERVAL = 0.05
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ")
_SPECIAL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of an attacked server.

    Args:
        memory: bytes by which its process may grow.
        staging: bytes that may lie in staging at any time.
        lag: seconds of the slowest answer; a busy machine is allowed for.
        lines: lines in the log, for each minute that has begun.
    """

    memory: int = 30 * _MEGABYTE
    staging: int = 512 * _MEGABYTE
    lag: float = MAX_LAG
    lines: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """The most that was seen: bytes of growth and of staging, seconds; and how busy it was.

    `load` is the number of processes that wanted each processor.
    """

    memory: int
    staging: int
    lag: float
    load: float


class Watch:
    """Observations of a watch; `measurements` are there when it is over."""

    def __init__(self, server: WebServer, limits: Limits) -> None:
        self.limits = limits
        self.measurements: Measurements | None = None
        self._server = server
        self._log_start = server.log.stat().st_size
        self._started = time.monotonic()

    @property
    def lines(self) -> list[str]:
        """The log lines since the watch began."""
        with self._server.log.open("rb") as log:
            log.seek(self._log_start)
            data = log.read()
        return [line.decode(errors="surrogateescape") for line in data.split(b"\n") if line]

    def problems(self) -> list[str]:
        """Return the limits that were exceeded, each as a sentence."""
        found = []
        if (measurements := self.measurements) is not None:
            lag = self.limits.lag * max(1.0, measurements.load)
            for name, value, limit in (
                ("memory: bytes of growth", measurements.memory, self.limits.memory),
                ("staging: bytes", measurements.staging, self.limits.staging),
                ("lag: seconds", measurements.lag, lag),
            ):
                if value > limit:
                    found.append(f"{name}: {value:.6g} of {limit:.6g} allowed")
        lines = self.lines
        allowed = self.limits.lines * max(1, math.ceil((time.monotonic() - self._started) / 60))
        if len(lines) > allowed:
            found.append(f"log: {len(lines)} lines of {allowed} allowed, the last: {lines[-12:]}")
        for line in lines:
            if any(unicodedata.category(character) in _SPECIAL for character in line):
                found.append(f"log: special characters: {line!a}")
            if not _RECORD.match(line):
                found.append(f"log: a line that is no record's first: {line!a}")
        return found

    def __str__(self) -> str:
        if (measurements := self.measurements) is None:
            return "watching"
        return (
            f"memory +{measurements.memory / _MEGABYTE:.1f} MB, "
            f"loop {measurements.lag * 1000:.0f} ms, "
            f"staging {measurements.staging / _MEGABYTE:.0f} MB, {len(self.lines)} log lines, "
            f"load {measurements.load:.1f}"
        )


@contextlib.contextmanager
def watched(server: WebServer, limits: Limits = Limits()) -> Iterator[Watch]:
    """Watch a server within the context; raises AssertionError if a limit was exceeded."""
    watch = Watch(server, limits)
    arguments = (sys.executable, "-m", "attacks.watch", server.url, str(server.pid))
    with subprocess.Popen(
        (*arguments, str(server.data_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as sampler:
        assert sampler.stdin is not None
        assert sampler.stdout is not None
        try:
            assert sampler.stdout.readline(), "the watch did not start"
            yield watch
        finally:
            sampler.stdin.close()
            if said := sampler.stdout.read():
                watch.measurements = Measurements(**json.loads(said))
    assert watch.measurements is not None, "the server was gone before the attack was over"
    problems = watch.problems()
    assert not problems, f"{watch}\n" + "\n".join(problems)


class _Sampler:
    def __init__(self, url: str, pid: int, data_dir: Path) -> None:
        self._host = url.removeprefix("http://").rstrip("/")
        self._process = Path("/proc", str(pid))
        self._staging = data_dir / "staging"
        self._connection = http.client.HTTPConnection(self._host, timeout=60)

    def run(self) -> Measurements:
        """Sample until standard input ends; raises OSError if the server is gone."""
        for _ in range(5):  # imports and pools of the first requests are not the attack's
            self._ping()
        with contextlib.suppress(PermissionError):
            (self._process / "clear_refs").write_text("5", encoding="ascii")  # resets the peak
        begin = self._resident("VmRSS")
        print("watching", flush=True)  # noqa: T201 - this is how it answers
        staging, lag, load, ended = 0, 0.0, 0.0, False
        while not ended:
            ended = bool(select.select([sys.stdin], [], [], _INTERVAL)[0])
            lag = max(lag, self._ping())
            staging = max(staging, _allocated(self._staging))
            load = max(load, os.getloadavg()[0] / (os.cpu_count() or 1))
        memory = max(0, self._resident("VmHWM") - begin)
        return Measurements(memory=memory, staging=staging, lag=lag, load=load)

    def _ping(self) -> float:
        """Return the seconds until the server answers; a refused connection is tried again."""
        began = time.monotonic()
        while True:
            try:
                self._connection.request("GET", "/health/live")
                self._connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                (self._process / "status").read_bytes()
                time.sleep(_INTERVAL)
            else:
                return time.monotonic() - began

    def _resident(self, field: str) -> int:
        status = (self._process / "status").read_text()
        match = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        if match is None:
            raise ProcessLookupError
        return int(match[1]) * 1024


def _allocated(folder: Path) -> int:
    """Return the bytes that files take on the disk."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(path, name)).st_blocks * 512
    return total


if __name__ == "__main__":
    url, pid, data_dir = sys.argv[1:]
    print(json.dumps(asdict(_Sampler(url, int(pid), Path(data_dir)).run())))  # noqa: T201

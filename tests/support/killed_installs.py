"""``python -m support.killed_installs [COUNT]``: see ``script/test-killed-installs``.

Real processes that download and install a voice are killed at random moments of every stage,
then another command is started and the store is looked at. Exit code 1 when anything failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import glob
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
from rich.console import Console
from rich.table import Table

from support.hub import faulty_hub
from support.hub_client import real_voice
from support.hub_faults import voices_json
from support.power_cut import OnlySource
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.store.manifest import find_damage, read_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import FileSource
from wyoming_piper_hardened.voices.library import find_voices

AMY = "en_US-amy-medium"
NEW = "58afce0321b8d9c4"
"""How the names of the new version begin: with the digest of the real voice's model."""
STAGES = {
    "starting": (0.8, "*"),
    "downloading": (0.3, f"staging/*/{AMY}.onnx*.part"),
    "preparing": (1.6, f"staging/*/{AMY}.onnx"),
    "splitting": (0.5, "staging/*/folded.onnx"),
    "proving": (1.7, "staging/*/encoder.onnx"),
    "trying": (0.7, "staging/*/parts.json"),
    "committing": (0.1, "staging/*/manifest.json"),
    "committed": (0.1, f"voices/{AMY}/{NEW}-*"),
}
"""How many seconds a stage takes on some machine, and which file shows that it has begun."""
_ROUND = 50
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_OLD = Origin(OriginKind.CUSTOM, "old")


def amys_files() -> dict[str, bytes]:
    """Return the files of a hub with the real voice under the name of one that is not embedded."""
    files = {path.replace("joe", "amy"): data for path, data in real_voice().items()}
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}


@dataclass(frozen=True)
class Death:
    """End of one install: in which `stage`, whether it had `committed`, what was wrong then."""

    stage: str
    committed: bool
    failure: str | None = None


@dataclass(frozen=True)
class Setup:
    """Setup that all installs of a run share: the hub's address, a version to update, a folder."""

    endpoint: str
    old: Path
    folder: Path

    def kill_one(self, number: int, seed: int) -> Death:
        """Kill install number `number` and look at what it left. Blocks."""
        random = Random(f"{seed}/{number}")
        install = _KilledInstall(self.folder / f"{seed}-{number}", self.endpoint)
        old = self.old if (number + number // len(STAGES)) % 4 else None
        install.prepare(old)
        target = list(STAGES)[number % len(STAGES)]
        stage, committed = target, False
        try:
            stage = install.kill(target, random.uniform(0, STAGES[target][0]))
            committed = install.committed()
            install.check(had_one=old is not None, committed=committed)
        except AssertionError as err:
            return Death(stage, committed, f"seed {seed}, number {number}, {stage}: {err}")
        install.throw_away()
        return Death(stage, committed)

    def let_one_live(self, seed: int) -> str | None:
        """Return what is wrong with an install after one that was killed, if anything. Blocks."""
        install = _KilledInstall(self.folder / f"{seed}-last", self.endpoint)
        install.prepare(self.old)
        install.kill("splitting", 0)
        try:
            code, output = install.run("install", AMY, "--hub-endpoint", self.endpoint)
            assert code == 0, output
            assert install.committed()
            install.check(had_one=True, committed=True)
        except AssertionError as err:
            return f"seed {seed}, the one that was not killed: {err}"
        install.throw_away()
        return None


class _KilledInstall:
    """One install in a data directory of its own, with an empty home beside it."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._data = folder / "data"
        self._home = folder / "home"
        self._store = Store(self._data)

    def prepare(self, old: Path | None) -> None:
        self._home.mkdir(parents=True)
        if old is not None:
            shutil.copytree(old, self._data, symlinks=True)

    def throw_away(self) -> None:
        shutil.rmtree(self._folder)

    def kill(self, stage: str, delay: float) -> str:
        """Kill it so many seconds after a stage began; returns in which one it was then."""
        process = subprocess.Popen(
            self._command("install", AMY, "--hub-endpoint", self._endpoint),
            cwd=self._home,
            env=self._environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while stage not in self._stages():
            if self._ended(process, 0.005):
                return "ended"
        if self._ended(process, delay):
            return "ended"
        children = psutil.Process(process.pid).children(recursive=True)
        reached = self._stages()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _, orphans = psutil.wait_procs(children, timeout=20)
        assert not orphans, f"{orphans} outlived it"
        return reached[-1]

    @staticmethod
    def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Return whether it ends within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode is not None

    def run(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            self._command(*arguments),
            cwd=self._home,
            env=self._environment(),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout.decode()

    def committed(self) -> bool:
        current = self._store.current(AMY)
        return current is not None and read_manifest(current).origin != _OLD

    def check(self, *, had_one: bool, committed: bool) -> None:
        """Start another command, which recovers; then everything must be in order."""
        code, output = self.run("verify")
        assert not list(self._data.glob("staging/*")), "staging is not empty"
        serving = self._store.serving(AMY)
        assert serving is not None or not (had_one or committed), "nothing serves"
        if serving is not None:
            assert code == 0, output
            assert find_damage(serving, digests=True) == ()
            new = read_manifest(serving).origin != _OLD
            assert new == committed or not had_one, "the wrong version serves"
            offered = {voice.name: voice.model.parent for voice in find_voices(self._store)}
            assert offered[AMY] == serving
        with self._store.try_lock(AMY) as free:
            assert free, "the lock is still held"
        assert sorted(path.name for path in self._folder.iterdir()) == ["data", "home"]
        assert not list(self._home.iterdir()), "something was written outside the data directory"

    def _stages(self) -> list[str]:
        """Those that have begun."""
        return [
            name
            for name, (_, file) in STAGES.items()
            if name == "starting" or glob.glob(file, root_dir=self._data)  # noqa: PTH207 - gone is gone
        ]

    def _command(self, *arguments: str) -> list[str]:
        command = [sys.executable, "-m", "wyoming_piper_hardened", "voices", *arguments]
        return [*command, "--data-dir", str(self._data)]

    def _environment(self) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if k.lower() not in _PROXIES}
        places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        return environment | dict.fromkeys(places, str(self._home))


async def kill_installs(
    count: int, seed: int, folder: Path, *, let_live: bool = False
) -> list[Death]:
    """Kill so many, two at a time, and let one more live; the failures are in the answer."""
    old = folder / "old"
    await _install_old(old)
    loop = asyncio.get_running_loop()
    async with faulty_hub(amys_files()) as hub:
        setup = Setup(hub.endpoint, old, folder)
        with ThreadPoolExecutor(2) as pool:
            deaths = await asyncio.gather(
                *(loop.run_in_executor(pool, setup.kill_one, n, seed) for n in range(count))
            )
            if let_live:
                failure = await loop.run_in_executor(pool, setup.let_one_live, seed)
                deaths.append(Death("ended", committed=True, failure=failure))
    return deaths


async def _install_old(data: Path) -> None:
    """Install a tiny voice of the same name, without the processes that that takes."""

    async def prepare(_: Path, folder: Path) -> None:
        await asyncio.to_thread(split, SINGLE, SINGLE_CONFIG, folder)

    async def try_voice(_: Path) -> None:
        pass

    source = FileSource(AMY, _OLD, SINGLE, SINGLE.stat().st_size)
    await Installer(Store(data), OnlySource(source), try_voice, prepare).install(source)


def main() -> int:
    """Run them in rounds, each with its own seed; returns the exit code."""
    parser = argparse.ArgumentParser(prog="script/test-killed-installs", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    console = Console()
    deaths: list[Death] = []
    for seed, begun in enumerate(range(0, arguments.count, _ROUND), arguments.seed):
        console.print(f"seed {seed}")
        with tempfile.TemporaryDirectory(prefix="killed-installs-") as folder:
            count = min(_ROUND, arguments.count - begun)
            ended = asyncio.run(kill_installs(count, seed, Path(folder), let_live=True))
        console.print(summary(ended))
        deaths += ended
    console.print(table(deaths))
    failures = [death.failure for death in deaths if death.failure]
    for failure in failures:
        console.print(failure, style="red", markup=False)
    console.print(summary(deaths))
    return 1 if failures else 0


def summary(deaths: list[Death]) -> str:
    """Return the numbers in one line."""
    killed = [death for death in deaths if death.stage != "ended"]
    after = sum(death.committed for death in killed)
    failures = sum(death.failure is not None for death in deaths)
    return (
        f"{len(killed)} killed: {len(killed) - after} before the commit, {after} after it; "
        f"{len(deaths) - len(killed)} ended by themselves; {failures} failures"
    )


def table(deaths: list[Death]) -> Table:
    """Return a table of how many died in each stage."""
    rows = Table("killed while", "old or none", "new")
    counts = Counter((death.stage, death.committed) for death in deaths)
    for stage in (*STAGES, "ended"):
        rows.add_row(stage, str(counts[stage, False]), str(counts[stage, True]))
    return rows


if __name__ == "__main__":
    sys.exit(main())

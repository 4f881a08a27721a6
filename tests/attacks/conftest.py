"""Servers to attack, each a process of its own, watched from outside.

A test marked ``randomised`` draws its attack anew each time; ``script/test-attacks --minutes``
repeats those.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attacks.watch import Limits, Watch, watched
from conftest import Report
from support.web_server import WebServer

StartAttacked = Callable[..., WebServer]
WatchServer = Callable[..., contextlib.AbstractContextManager[Watch]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def watched_folder(tmp_path: Path) -> Path:
    """Make the folder in `custom_voice_dirs` of the servers."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
def start_attacked(
    prepared_data: Path, watched_folder: Path, tmp_path: Path
) -> Iterator[StartAttacked]:
    """Start a server with a data directory of its own; it must stop by SIGTERM after the test.

    The arguments are further flags; `data_dir` is made from the prepared one unless it exists;
    `open_files` is the limit of its open files.
    """
    with contextlib.ExitStack() as stack:

        def start(
            *flags: str, data_dir: Path = tmp_path / "data", open_files: int | None = None
        ) -> WebServer:
            if not data_dir.exists():
                shutil.copytree(prepared_data, data_dir, symlinks=True)
            folders = ("--custom-voice-dirs", str(watched_folder))
            server = WebServer(data_dir, *folders, *flags, scrambled=False, open_files=open_files)
            stack.callback(_stop, server)
            server.start()
            return server

        yield start


@pytest.fixture
def watch(report: Report) -> WatchServer:
    """Watch a server within the context, as `watched`; its measurements are shown after the run."""

    @contextlib.contextmanager
    def watch_and_report(server: WebServer, limits: Limits | None = None) -> Iterator[Watch]:
        with watched(server, limits or Limits()) as one:
            yield one
        report(str(one))

    return watch_and_report


def wait_until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as `holds` returns true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "that did not happen"
        time.sleep(0.05)


def _stop(server: WebServer) -> None:
    assert server.stop() == 0, "the server did not stop by SIGTERM"

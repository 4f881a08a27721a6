"""Fixtures of the browser's tests: real servers and a real browser on loopback.

They run when ``script/test-web`` says which browser to use, and are left out otherwise.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from support.browser import CHROMIUM, OpenPage, Watched, browser, watched_page
from support.random_sentences import _scrambled  # noqa: F401 - a fixture
from support.web_server import StartServer, WebServer, web_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="needs a browser: script/test-web"))


expect.set_options(timeout=20_000)  # milliseconds that a busy machine may take for what is at once


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers fetch from the repository on loopback, whatever proxy the machine has."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Return the folder for pictures for the documentation, if any; they have plain sentences."""
    folder = os.environ.get("PAGE_TEST_PICTURES")
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def server(
    prepared_data: Path, tmp_path_factory: pytest.TempPathFactory, pictures: Path | None
) -> Iterator[WebServer]:
    """Run a server for tests that change nothing."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    shutil.copytree(prepared_data, data_dir, symlinks=True)
    with web_server(data_dir, "--offline", "true", scrambled=pictures is None) as started:
        yield started


@pytest.fixture
def start_web(prepared_data: Path, tmp_path: Path, pictures: Path | None) -> Iterator[StartServer]:
    """Start a server of the test's own, whose voices it may break."""
    with contextlib.ExitStack() as stack:

        def start(*flags: str) -> WebServer:
            data_dir = tmp_path / "data"
            shutil.copytree(prepared_data, data_dir, symlinks=True)
            server = web_server(data_dir, *flags, scrambled=pictures is None)
            return stack.enter_context(server)

        yield start


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as started:
        yield started


@pytest.fixture
def open_page(chromium: Browser) -> OpenPage:
    """Open pages that fail the test when they complain."""

    @contextlib.asynccontextmanager
    async def open_it(url: str, **options: Any) -> AsyncIterator[Watched]:
        async with watched_page(chromium, **options) as watched:
            await watched.page.goto(url)
            yield watched

    return open_it

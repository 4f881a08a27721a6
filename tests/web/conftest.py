"""Sites on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import Serve
from support.both_servers import Open, Site, opened
from support.random_sentences import _scrambled  # noqa: F401 - a fixture


@pytest.fixture
async def open_site(start_server: Serve) -> AsyncIterator[Open]:
    """Open sites; the arguments are those of `start_server`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*engine: Any, **settings: Any) -> Site:
            return await stack.enter_async_context(opened(start_server, *engine, **settings))

        yield start

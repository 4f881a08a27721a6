"""Sites on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import Serve
from support.site import Open, Site, opened


@pytest.fixture
async def open_site(start_server: Serve) -> AsyncIterator[Open]:
    """Opens sites; takes what `start_server` takes."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*engine: Any, **settings: Any) -> Site:
            return await stack.enter_async_context(opened(start_server, *engine, **settings))

        yield start

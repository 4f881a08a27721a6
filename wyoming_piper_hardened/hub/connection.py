"""Opening a client of the voice repository, whose libraries are loaded only then."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Hub
    from .retry import RetryPolicy
    from .settings import HubSettings


@contextlib.asynccontextmanager
async def connected(
    settings: HubSettings, *, retry: RetryPolicy | None = None
) -> AsyncIterator[Hub]:
    """Provide a client of the hub, ready for `download`, too.

    A server that has its voices speaks before it loads what this needs.
    """
    await asyncio.to_thread(importlib.import_module, f"{__package__}.download")
    from .client import Hub  # noqa: PLC0415 - see above

    async with Hub(settings, retry=retry) as hub:
        yield hub

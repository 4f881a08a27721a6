"""A store whose methods take as long as a test wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from wyoming_piper_hardened.store.store import Store


class SlowMethod:
    """A method of the store that begins and then waits until it may go on."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self._released = threading.Event()
        self._begun = threading.Event()

    def __call__(self, *args: object) -> Any:
        self._begun.set()
        assert self._released.wait(60)
        return self._method(*args)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, 60)

    def release(self) -> None:
        self._released.set()


class SlowStore(Store):
    """A store of which any method can be made slow."""

    def slow(self, name: str) -> SlowMethod:
        method = SlowMethod(getattr(self, name))
        setattr(self, name, method)
        return method

"""Voices that stay loaded: the most recently used ones that memory allows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

ResidentT = TypeVar("ResidentT")


class Residents(Generic[ResidentT]):
    """Keeps voices; the least recently used goes first. Safe to use from several threads.

    What goes is freed when nobody speaks with it any more.

    Args:
        memory: the resident memory of this process in bytes.
        limit: most residents at once.
        memory_limit: above it residents go, down to the one in use; 0 means no limit.
    """

    def __init__(self, memory: Callable[[], int], *, limit: int, memory_limit: int = 0) -> None:
        self._memory = memory
        self._limit = max(1, limit)
        self._memory_limit = memory_limit
        self._loaded: OrderedDict[Path, ResidentT] = OrderedDict()
        self._loading = threading.Lock()  # one at a time
        self._lock = threading.Lock()  # of `_loaded`

    @property
    def models(self) -> list[Path]:
        """The loaded ones, the most recently used last."""
        with self._lock:
            return list(self._loaded)

    def get(self, model: Path, load: Callable[[Path], ResidentT]) -> ResidentT:
        """Return the resident for `model`, loaded if need be; raises what `load` raises."""
        if (resident := self._known(model)) is not None:
            return resident
        with self._loading:
            if (resident := self._known(model)) is not None:
                return resident
            self._make_room(model)
            resident = load(model)
            with self._lock:
                self._loaded[model] = resident
            self._fit()
        return resident

    def _known(self, model: Path) -> ResidentT | None:
        with self._lock:
            resident = self._loaded.get(model)
            if resident is not None:
                self._loaded.move_to_end(model)
        if resident is not None:
            self._fit()
        return resident

    def _make_room(self, model: Path) -> None:
        with self._lock:
            for other in list(self._loaded):
                if other.name == model.name:  # another version of the same voice has been replaced
                    del self._loaded[other]
            while len(self._loaded) >= self._limit:
                self._loaded.popitem(last=False)

    def _fit(self) -> None:
        while self._memory_limit and len(self.models) > 1 and self._memory() > self._memory_limit:
            with self._lock:
                if len(self._loaded) > 1:
                    self._loaded.popitem(last=False)

"""Voices that stay loaded: the most recently used ones that memory allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """Interface of a resident."""

    def close(self) -> None:
        """Free what it holds."""


ResidentT = TypeVar("ResidentT", bound=Closable)


class Residents(Generic[ResidentT]):
    """Loads voices on demand and keeps them; the least recently used goes first.

    Args:
        load: makes a resident from the path of a model.
        memory: the resident memory of this process in bytes.
        limit: most residents at once.
        memory_limit: above it residents go, down to the one in use; 0 means no limit.
    """

    def __init__(
        self,
        load: Callable[[Path], ResidentT],
        memory: Callable[[], int],
        *,
        limit: int,
        memory_limit: int = 0,
    ) -> None:
        self._load = load
        self._memory = memory
        self._limit = max(1, limit)
        self._memory_limit = memory_limit
        self._loaded: OrderedDict[Path, ResidentT] = OrderedDict()

    def __contains__(self, model: Path) -> bool:
        return model in self._loaded

    @property
    def models(self) -> list[Path]:
        """The loaded ones, the most recently used last."""
        return list(self._loaded)

    def get(self, model: Path) -> ResidentT:
        """Return the resident for `model`, loaded if need be; raises what `load` raises."""
        resident = self._loaded.get(model)
        if resident is None:
            for other in self.models:
                if other.name == model.name:  # another version of the same voice has been replaced
                    self._drop(other)
            while len(self._loaded) >= self._limit:
                self._drop(self.models[0])
            resident = self._loaded[model] = self._load(model)
        self._loaded.move_to_end(model)
        while self._memory_limit and len(self._loaded) > 1 and self._memory() > self._memory_limit:
            self._drop(self.models[0])
        return resident

    def _drop(self, model: Path) -> None:
        self._loaded.pop(model).close()

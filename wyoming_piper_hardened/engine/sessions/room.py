"""Memory of the sentences that go through sessions at once: no more than the longest one needs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from ..synthesis.phrasing import MOST_PHONEMES


class SentenceRoom:
    """Lets sentences run side by side as far as their memory allows; in the order of asking.

    The memory of a sentence grows with the square of its phoneme ids.

    Args:
        longest: phoneme ids of the longest sentence, which runs alone.
    """

    def __init__(self, longest: int) -> None:
        self._most = longest**2
        self._taken = 0
        self._first = threading.Lock()  # held by the one who waits for room; others queue behind
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, ids: int | None = None) -> Iterator[None]:
        """Hold room for a sentence of so many phoneme ids; ``None`` for all of it."""
        size = self._most if ids is None else min(ids**2, self._most)
        with self._first, self._changed:
            self._changed.wait_for(lambda: self._taken + size <= self._most)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


ROOM: Final = SentenceRoom(2 * MOST_PHONEMES)
"""That of this process."""

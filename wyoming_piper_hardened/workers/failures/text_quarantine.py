"""Texts that killed workers are not tried again for a while.

Only a keyed hash of the text is kept: neither the process's memory nor a file reveals it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from ...engine.messages import SegmentRequest


@dataclass(slots=True)
class TextQuarantine:
    """Remembers quarantined segments; bounded, with expiry. Times are seconds of any one clock.

    Args:
        size: most segments remembered; the oldest go first.
        expiry: how long one is remembered.
    """

    size: int = 256
    expiry: float = 3600.0
    _since: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def add(self, request: SegmentRequest, now: float) -> None:
        """Quarantine this text with this voice."""
        name = self._name(request)
        self._since.pop(name, None)
        self._since[name] = now
        while len(self._since) > self.size:
            self._since.popitem(last=False)

    def holds(self, request: SegmentRequest, now: float) -> bool:
        """Return whether this text with this voice is quarantined."""
        self._expire(now)
        return self._name(request) in self._since

    def count(self, now: float) -> int:
        """Return the number of quarantined segments."""
        self._expire(now)
        return len(self._since)

    def clear(self) -> None:
        """Release everything."""
        self._since.clear()

    def _expire(self, now: float) -> None:
        while self._since:
            name, since = next(iter(self._since.items()))
            if now - since < self.expiry:
                break
            del self._since[name]

    def _name(self, request: SegmentRequest) -> bytes:
        model = request.model.model if request.model else ""
        text = f"{model}\0{request.text}".encode()
        return hashlib.blake2b(text, digest_size=16, key=self._key).digest()

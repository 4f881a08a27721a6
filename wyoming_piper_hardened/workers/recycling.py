"""The replacement of engine processes that still work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclePolicy:
    """Limits of an engine process's life; a limit of 0 means none."""

    memory_limit: int = 0
    """Resident bytes, looked at after each segment."""
    max_segments: int = 0
    memory_interval: float = 1.0
    """Seconds between two looks at the memory in mid-segment."""
    kill_factor: int = 2
    """Times `memory_limit`, and an engine is killed in mid-segment."""

    def is_due(self, segments: int, memory: int) -> bool:
        """Return whether a process that has spoken so many segments is to be replaced."""
        over_memory = 0 < self.memory_limit < memory
        return over_memory or 0 < self.max_segments <= segments

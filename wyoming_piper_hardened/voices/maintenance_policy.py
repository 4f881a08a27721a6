"""Policy and timings of the maintenance of voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenancePolicy:
    """The actions that are allowed without a request.

    Args:
        auto_repair: repair voices that are found damaged.
        auto_install: install the voices of `wanted` that are missing.
        wanted: returns the voices that are needed.
        repair_on_start: voices to verify and repair when the server starts; ``all`` means each.
        custom_voice_dirs: folders that are watched for voices of the user's own.
    """

    auto_repair: bool = True
    auto_install: bool = True
    wanted: Callable[[], tuple[str, ...]] = tuple
    repair_on_start: tuple[str, ...] = ()
    custom_voice_dirs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceTimings:
    """Intervals and delays in seconds.

    Args:
        max_attempts: repairs or installations of a voice if the reason is not the network.
        retry_delay: before the second attempt; doubles up to `retry_limit`.
        first_check: after the start, before files are verified and the catalogue is fetched.
        check_interval: between verifications of all files.
        check_pause: after each megabyte; 0.02 is about 50 MB/s at most, on an idle disk.
        refresh_interval: between fetches of the catalogue.
        custom_interval: between looks at the user's own folders.
        follow_interval: between looks at what other processes did in the store.
        error_delay: after an unexpected error.
    """

    max_attempts: int = 3
    retry_delay: float = 60.0
    retry_limit: float = 3600.0
    first_check: float = 30.0
    check_interval: float = 24 * 3600.0
    check_pause: float = 0.02
    refresh_interval: float = 24 * 3600.0
    custom_interval: float = 30.0
    follow_interval: float = 5.0
    error_delay: float = 60.0

    def delay(self, attempt: int) -> float:
        """Return the seconds between an attempt and the next one; the first is number 1."""
        return float(min(self.retry_delay * 2 ** min(attempt - 1, 30), self.retry_limit))

"""Exit codes."""

from __future__ import annotations

OK, FAILED, USAGE, NOT_STARTED = 0, 1, 2, 3

"""The length limit of a request's text."""

from __future__ import annotations

MAX_TEXT_CHARS = 100_000
"""Most text of one request, plain or streamed, in characters."""

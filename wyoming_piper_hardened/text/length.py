"""How much text one request may carry, whatever way it comes."""

from __future__ import annotations

from ..errors import TextTooLongError

MAX_TEXT_CHARS = 100_000
"""Most text of one request, plain or streamed, in characters."""


def check_length(characters: int) -> None:
    """Raise TextTooLongError beyond `MAX_TEXT_CHARS`."""
    if characters > MAX_TEXT_CHARS:
        raise TextTooLongError(
            f"the text has {characters} characters; one request may have {MAX_TEXT_CHARS}. "
            "Send it in parts"
        )

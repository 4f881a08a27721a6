"""Fields of synthesis events, checked: only values of these types get further."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import BadRequestError
from ..speech.text_stream import TextStream
from ..text.cleaner import clean
from ..text.profile import TextFormat


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """The voice a client asks for; each may be missing."""

    name: str | None = None
    language: str | None = None
    speaker: str | None = None


@dataclass(slots=True)
class SynthesisRequest:
    """One request of a client: a voice, and text that may still be arriving."""

    streamed: bool
    choice: VoiceChoice = VoiceChoice()
    text: TextStream = field(default_factory=TextStream)


def read_voice_choice(data: dict[str, Any]) -> VoiceChoice:
    """Read ``voice`` of a ``synthesize`` or ``synthesize-start`` event.

    Raises:
        BadRequestError: a field has the wrong type.
    """
    voice = data.get("voice")
    if voice is None:
        return VoiceChoice()
    if not isinstance(voice, dict):
        raise BadRequestError("voice must be an object with name, language or speaker")
    return VoiceChoice(*(_text(voice, key) for key in ("name", "language", "speaker")))


def read_text(data: dict[str, Any]) -> str:
    """Read ``text``; missing counts as empty.

    Raises:
        BadRequestError: it is not a string.
    """
    return _text(data, "text") or ""


def read_text_format(data: dict[str, Any]) -> TextFormat:
    """Read ``text_format`` of a ``synthesize`` or ``synthesize-start`` event.

    A plain text, and one without a format, may yet be SSML: many programs never say so.

    Raises:
        BadRequestError: it is neither ``text`` nor ``ssml``.
    """
    name = _text(data, "text_format")
    if name in {None, "", TextFormat.TEXT}:
        return TextFormat.AUTO
    if name != TextFormat.SSML:
        raise BadRequestError("text_format must be text or ssml")
    return TextFormat.SSML


def read_ping_text(data: dict[str, Any]) -> str | None:
    """Read ``text`` of a ``ping``, which the answer repeats; at most 1,000 characters of it."""
    text = data.get("text")
    return clean(text[:1000]) if isinstance(text, str) else None


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None or isinstance(value, str):
        return value
    if key == "speaker" and isinstance(value, int):
        return str(value)
    raise BadRequestError(f"{key} must be a string, not {type(value).__name__}")

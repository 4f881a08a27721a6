"""Model cards: what the maker of a voice says of it, its licence among it; shown as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceFileError, VoiceError
from ..hub.files import CARD_NAME
from ..system.foreign_files import read_file
from .entry import CatalogueVoice

if TYPE_CHECKING:
    from ..hub.client import Hub

MAX_CARD_BYTES = 64 << 10
"""A larger one is left alone; the longest of the repository has 4 kB."""

_MAX_LICENSE = 300
# But for tabs and line ends: control characters, changes of the writing direction.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_LICENSE = re.compile(r"\W{0,10}licen[cs]e\W{0,3}:[\s*_]{0,10}(.*)", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6}\s{0,5}licen[cs]e\W{0,5}", re.IGNORECASE)


class ModelCardUnknownError(VoiceError):
    """A voice has no model card, or none that is kept and shown."""

    code = "model-card-unknown"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model card; `license` is what it says of its licence, ``None`` if that cannot be read."""

    text: str
    license: str | None


def parse_card(data: bytes) -> ModelCard:
    """Return the card in some bytes, whatever they are."""
    text = _LINE_END.sub("\n", data.decode("utf-8-sig", "replace"))
    text = _CONTROL.sub("", text).strip("\n")
    return ModelCard(text, _license(text))


def read_card(folder: Path) -> ModelCard | None:
    """Return the card beside a model; ``None`` if there is none to read. Blocks on the disk."""
    try:
        return parse_card(read_file(folder / CARD_NAME, MAX_CARD_BYTES))
    except SourceFileError:
        return None


async def fetch_card(hub: Hub, voice: CatalogueVoice, revision: str) -> bytes:
    """Return the card of a voice of the hub, as the catalogue has it.

    Raises:
        ModelCardUnknownError: there is none, or it is too large.
        DownloadError: it cannot be had.
    """
    card = voice.model_card
    if card is None:
        raise ModelCardUnknownError(f"{voice.name} has no model card in the voice repository")
    if card.size > MAX_CARD_BYTES:
        raise ModelCardUnknownError(
            f"the model card of {voice.name} has {card.size / 1e3:.0f} kB, more than is shown"
        )
    return await hub.read(card.path, revision, limit=MAX_CARD_BYTES, md5=card.md5)


def _license(text: str) -> str | None:
    """Return the licences that lines of a card name, else the first line below such a heading."""
    lines = [line.strip() for line in text.split("\n")]
    found = [match[1].strip() for line in lines if (match := _LICENSE.fullmatch(line))]
    if not any(found):
        rest = iter(lines)
        if any(_HEADING.fullmatch(line) for line in rest):
            below = next(filter(None, rest), "")
            found = [] if below.startswith("#") else [below]
    named = "; ".join(dict.fromkeys(filter(None, found)))
    return f"{named[:_MAX_LICENSE]}…" if len(named) > _MAX_LICENSE else named or None

"""``voices show``: one voice, and what its maker says of it."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict

from ...catalogue.entry import CatalogueVoice
from ...catalogue.model_card import ModelCard
from ...composition import build_installer, load_library
from ...config.settings import Settings
from ...errors import VoiceError
from ...store.manifest import origin_and_size
from ...store.origin import OriginKind
from ...store.voice import Voice
from ...voices.offer.model_cards import ModelCards
from ...voices.offer.small_files import SmallFiles
from ..codes import OK
from ..streams import answer, note, print_json


async def show(settings: Settings, parsed: argparse.Namespace) -> int:
    """Show a voice, installed or not, with its model card."""
    catalogue = build_installer(settings).sources.catalogue
    library = await load_library(settings, await asyncio.to_thread(catalogue.read))
    if parsed.name in library:
        facts = await asyncio.to_thread(_installed, library.find(parsed.name))
    else:
        facts = _available(await catalogue.find(parsed.name))
    card: ModelCard | None = None
    try:
        cards = ModelCards(library, catalogue, SmallFiles(catalogue))
        card = await cards.find(str(facts["name"]))
    except VoiceError as err:
        note(f"{err.code}: {err}")
    if parsed.json:
        print_json({**facts, "model_card": None if card is None else asdict(card)})
        return OK
    for name, value in {**facts, "license": (card and card.license) or "unknown"}.items():
        shown = ("no", "yes")[value] if isinstance(value, bool) else value
        answer(f"{name}: {shown}")
    if card is not None:
        answer(f"\n{card.text}")
    return OK


def _installed(voice: Voice) -> dict[str, object]:
    """Return the facts of an installed voice. Blocks on the disk."""
    origin, size = origin_and_size(voice.model)
    return {
        "name": voice.name,
        "language": voice.language,
        "quality": voice.quality,
        "speakers": voice.number_of_speakers,
        "bytes": size,
        "origin": str(origin.kind),
        "installed": True,
    }


def _available(voice: CatalogueVoice) -> dict[str, object]:
    return {
        "name": voice.name,
        "language": voice.language.code,
        "quality": str(voice.quality),
        "speakers": voice.number_of_speakers,
        "bytes": voice.size,
        "origin": str(OriginKind.HUB),
        "installed": False,
    }

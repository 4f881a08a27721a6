"""``text``: shows how a text will be spoken, without loading a model."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict, replace

from ...composition import build_defaults, build_dictionary, build_installer, load_library
from ...config.settings import Settings
from ...engine.messages import VoiceVersion
from ...processes.phonemizer import Phonemizer
from ...speech.preview import TextPreview, preview
from ...system.aio import cancel_and_wait
from ...text.profile import Profile, TextFormat
from ...voices.offer.absence import OfferPolicy, not_offered
from ..codes import FAILED, OK
from ..streams import answer, given_text, note, print_json


async def text(settings: Settings, parsed: argparse.Namespace) -> int:
    """Print each segment as it came, as it is spoken where that differs, and its phonemes."""
    words = given_text(parsed.words)
    profile, voice = await _profile(settings, parsed.language)
    if parsed.ssml:
        profile = replace(profile, text_format=TextFormat.SSML)
    phonemizer = Phonemizer()
    working = asyncio.create_task(phonemizer.run())
    try:
        found = await preview(words, profile, phonemizer, voice)
    finally:
        await cancel_and_wait(working)
    _show(found, as_json=parsed.json)
    if found.problem is not None:
        note(f"{found.problem.code}: {found.problem.message}")
        return FAILED
    return OK


async def _profile(settings: Settings, language: str | None) -> tuple[Profile, VoiceVersion | None]:
    defaults, user = build_defaults(settings), build_dictionary(settings)
    for path, errors in (await asyncio.to_thread(user.read)).items():
        for error in errors:
            note(f"{path}:{error.line}: {error.message}")
    if language is not None:
        profile = Profile(
            language=language,
            mode=defaults.text_mode,
            dictionary=user.current,
            max_chars=defaults.max_segment_chars,
        )
        return profile, None
    catalogue = build_installer(settings).sources.catalogue
    known = await asyncio.to_thread(catalogue.read)
    library = await load_library(settings, known)
    if library.wanted not in library:
        await catalogue.find(settings.voice)
        policy = OfferPolicy(settings.auto_install, catalogue.hub.offline)
        known = catalogue.read()
        raise not_offered(settings.voice, known, (voice.name for voice in library), policy)
    voice = library.find(library.wanted)
    return defaults.profile(voice, user.current), voice.version


def _show(found: TextPreview, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    for segment in found.segments:
        answer(segment.text)
        if segment.spoken != segment.text:
            answer(f"  → {segment.spoken}")
        for phonemes in segment.phonemes or ():
            answer(f"  /{phonemes}/")
        if segment.pause:
            answer(f"  ({segment.pause:g} s of silence)")

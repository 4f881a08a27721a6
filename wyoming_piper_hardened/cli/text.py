"""``text``: shows how a text will be spoken, without loading a model."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, replace

from ..composition import build_defaults, load_library
from ..config.settings import Settings
from ..speech.preview import TextPreview, preview
from ..speech.user_dictionary import UserDictionary
from ..text.profile import Profile, TextFormat
from .codes import OK


async def text(settings: Settings, parsed: argparse.Namespace) -> int:
    """Print each segment as it came and, where that differs, as it is spoken."""
    words = sys.stdin.read() if parsed.words == "-" else parsed.words
    profile = await _profile(settings, parsed.language)
    if parsed.ssml:
        profile = replace(profile, text_format=TextFormat.SSML)
    _show(await asyncio.to_thread(preview, words, profile), as_json=parsed.json)
    return OK


async def _profile(settings: Settings, language: str | None) -> Profile:
    defaults, user = build_defaults(settings), UserDictionary(settings.custom_voice_dirs)
    for path, errors in (await asyncio.to_thread(user.read)).items():
        for error in errors:
            print(f"{path}:{error.line}: {error.message}", file=sys.stderr)
    if language is not None:
        return Profile(
            language=language,
            mode=defaults.text_mode,
            dictionary=user.current,
            max_chars=defaults.max_segment_chars,
        )
    library = await load_library(settings)
    return defaults.profile(library.find(settings.voice), user.current)


def _show(found: TextPreview, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
        return
    for segment in found.segments:
        print(segment.text)
        if segment.spoken != segment.text:
            print(f"  → {segment.spoken}")
        if segment.pause:
            print(f"  ({segment.pause:g} s of silence)")

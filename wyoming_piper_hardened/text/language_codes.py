"""Codes of languages, such as ``en_GB``, as people and programs write them."""

from __future__ import annotations

import re

_IN_VOICE_NAME = re.compile(r"([a-z]{2,3}_[A-Z]{2})-")


def normalized(language: str) -> str:
    """Return a code in the form in which codes are compared: ``en-GB`` as ``en_gb``."""
    return language.replace("-", "_").lower()


def family(language: str) -> str:
    """Return the family of a code: ``en`` of ``en-GB``."""
    return normalized(language).partition("_")[0]


def of_voice_name(name: str) -> str | None:
    """Return the code that a voice's name begins with (``en_US-joe-medium``), if it does."""
    match = _IN_VOICE_NAME.match(name)
    return match[1] if match else None

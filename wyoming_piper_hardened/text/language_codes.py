"""Codes of languages, such as ``en_GB``, as people and programs write them."""

from __future__ import annotations

_IN_ESPEAK = {
    "en": "en-us",
    "en-gb": "en-gb-x-rp",
    "es-ar": "es-419",
    "es-mx": "es-419",
    "no": "nb",
    "nn": "nb",
    "pt": "pt-br",
    "pt-pt": "pt",
    "zh": "cmn",
}


def normalized(language: str) -> str:
    """Return a code in the form in which codes are compared: ``en-GB`` as ``en_gb``."""
    return language.replace("-", "_").lower()


def family(language: str) -> str:
    """Return the family of a code: ``en`` of ``en-GB``."""
    return normalized(language).partition("_")[0]


def in_espeak(language: str) -> tuple[str, ...]:
    """Return the codes that espeak may know a language by, as Piper's voices choose among them."""
    code = language.replace("_", "-").lower()
    base = code.partition("-")[0]
    found = (_IN_ESPEAK.get(code), code, _IN_ESPEAK.get(base), base)
    return tuple(dict.fromkeys(one for one in found if one))

"""One word, one sequence of characters: composition, compatibility forms, invisible characters."""

from __future__ import annotations

import html
import re
import unicodedata

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|ndash|mdash|hellip|euro|deg|laquo|raquo|[lr][sd]quo|bull|middot"
    r"|times|copy|reg|#\d{1,6}|#[xX][0-9A-Fa-f]{1,5});"
)
_ENTITY_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
# In Malayalam a joiner makes another letter of the consonant before it.
_CHILLU = re.compile("([\u0d23\u0d28\u0d30\u0d32\u0d33\u0d15])\u0d4d\u200d")
_CHILLUS = dict(zip("ണനരലളക", "ൺൻർൽൾൿ", strict=True))
_JOINER = re.compile(
    r"(?<=[^\W_])\u200d|(?<=\u094d|\u09cd|\u0a4d|\u0acd|\u0c4d|\u0ccd|\u0dca)\u200d"
)
_LATIN_JOINER = re.compile("(?<=[A-Za-z\u00c0-\u024f])\u200c(?=[A-Za-z\u00c0-\u024f])")
_DECOMPOSED = re.compile(
    r"[^\W\d_][\u0300-\u036f\u0590-\u0903\u093c-\u0d57\u3099\u309a]{1,8}|[\u1100-\u11ff]{2,90}"
)
# Letters for mathematics, ligatures, full-width letters and digits, units, digits in circles:
# everything else keeps its form, for NFKC would spoil ² and ½.
_COMPATIBLE = re.compile(
    "[\U0001d400-\U0001d7ff\ufb00-\ufb06\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u3380-\u33df"
    "\u2460-\u2473\u2100-\u2103\u2109\u212a\u212b\u2126]"
)
_SQUARED = str.maketrans(
    {"㎡": "m²", "㎥": "m³", "㎢": "km²", "㎠": "cm²", "㎤": "cm³", "\u02bc": "'"}
)


# Nothing below concerns a text of these alone: European letters without the soft hyphen and the
# marks that are put on letters, punctuation without what is invisible.
_PLAIN = re.compile(
    "[\x00-\xac\xae-\u02bb\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u20ac]*"
)


def plain(text: str) -> str:
    """Return a segment in the characters that a phonemizer knows best.

    Needs whole segments: where text is still arriving, a letter and its accent may be apart.
    """
    if "&" in text:
        text = _ENTITY.sub(_decoded, text)
    if text.isascii() or _PLAIN.fullmatch(text):
        return text
    text = _CHILLU.sub(lambda found: _CHILLUS[found[1]], _UNSEEN.sub("", text))
    text = _LATIN_JOINER.sub("", _JOINER.sub("", text))
    text = _COMPATIBLE.sub(lambda c: unicodedata.normalize("NFKC", c[0]), text.translate(_SQUARED))
    return _DECOMPOSED.sub(_composed, text)


def _decoded(found: re.Match[str]) -> str:
    return _ENTITY_CONTROL.sub(" ", html.unescape(found[0]))


def _composed(found: re.Match[str]) -> str:
    """Compose a letter and its marks; not where composing would take a letter apart."""
    apart = any(unicodedata.normalize("NFC", char) != char for char in found[0])
    return found[0] if apart else unicodedata.normalize("NFC", found[0])

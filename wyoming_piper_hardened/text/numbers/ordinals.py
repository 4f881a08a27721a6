"""Ordinals with a mark of their own, common fractions, scores and Roman numerals."""

from __future__ import annotations

import re

from ..language import Language

_SIGNS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8"}
_BEFORE = 40
_NOUN = re.compile(r"[ \u00a0]([^\W\d_]{2,30})(?!\w)")
_TENS, _ONES = ("", "X"), ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_ROMAN = {
    ten + one: 10 * t + o for t, ten in enumerate(_TENS) for o, one in enumerate(_ONES) if t + o
}


class Ordinals:
    """Speaks what is a number in form but not in meaning, in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        suffixes = language.ordinal.get("suffixes", {})
        self._suffixed = {
            form: re.compile(rf"(\d\d?)(?:{suffix})(?![^\W_]|[²³CF])")
            for form, suffix in suffixes.items()
            if form in language.ordinals
        }
        dots = language.ordinal.get("dot", {})
        self._dotted = {
            form: re.compile(rf"(?:^|\W)(?:{words})\s$", re.IGNORECASE)
            for form, words in dots.items()
        }
        self._dot = re.compile(r"(\d\d?)\.(?=\s(?:[A-ZÄÖÜ]|(?:bis|und|oder)\b))")
        self._vulgar = re.compile(
            r"(?:(?P<whole>\d{1,6})[ \u00a0\u202f\u2064]?)?(?P<sign>[½⅓⅔¼¾⅛])(?!\d)"
        )
        self._slashed = re.compile(r"(?P<sign>[123]/[2348])(?= [^\W\d_])(?! (?:of|von|de|di)\b)")
        self._mixed = re.compile(r"(?P<whole>\d{1,3}) (?P<sign>[13]/[248])(?= [^\W\d_])")
        self._score = re.compile(r"(\d{1,3})\s?[:–-]\s?(\d{1,3})(?![\d:–-]|[.,]\d|\w)")
        self._colon = re.compile(r"(\d{1,2}):(\d)(?![\d:]|[.,]\d|\w)")
        self._near = (
            re.compile(rf"\b(?:{language.score})\b", re.IGNORECASE) if language.score else None
        )

    def ordinal(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak 3e, 3º, 3-й, or in German 3. behind an article or a preposition."""
        for form, pattern in self._suffixed.items():
            if (match := pattern.match(text, at)) and 1 <= int(match[1]) <= 31:
                if (
                    form == "m"
                    and "alone" in self._language.ordinals
                    and not _noun(text, match.end())
                ):
                    form = "alone"  # noqa: PLW2901 - the same ordinal without its noun
                return self._language.ordinals[form][int(match[1]) - 1], match.end()
        if self._dotted and (match := self._dot.match(text, at)) and 1 <= int(match[1]) <= 31:
            before = text[max(0, at - _BEFORE) : at]
            following = re.compile(r"\s(\w+)").match(text, match.end())
            if following and following[1] in self._language.starters:
                return None
            for form, pattern in self._dotted.items():
                if pattern.search(before):
                    return self._language.ordinals[form][int(match[1]) - 1], match.end()
        return None

    def fraction(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak ½, 2½, and 1/2 before a word."""
        words = self._language.vulgar
        match = self._vulgar.match(text, at)
        if match is None and (at == 0 or text[at - 1] not in "/.,-–:"):
            match = self._mixed.match(text, at) or self._slashed.match(text, at)
        if match is None:
            return None
        name = _SIGNS.get(match["sign"], match["sign"])
        whole = match.groupdict().get("whole")
        noun = _noun(text, match.end())
        key = f"and {name}" if whole else name
        if noun and re.search(words.get("feminine", r"(?!)"), noun):
            key = f"{key} f" if f"{key} f" in words else key
        spoken = words.get(key)
        if spoken is None:
            return None
        if whole and "feminine" in words:  # these languages say two hours and a half
            if not noun:
                return None
            return f"{whole} {noun} {spoken}", match.end() + 1 + len(noun)
        return (f"{whole} {spoken}" if whole else spoken), match.end()

    def score(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak 3:1, and 3-1 near a word for winning or losing."""
        word = self._language.words.get("score")
        if word is None or (at and text[at - 1] in "-–:.,/"):
            return None
        match = self._colon.match(text, at)
        if match is None and self._near and (match := self._score.match(text, at)):
            around = text[max(0, at - _BEFORE) : match.end() + _BEFORE]
            if ":" in match.group() or not self._near.search(around):
                match = None
        if match is None:
            return None
        joint = word if self._language.unspaced else f" {word} "
        return f"{match[1]}{joint}{match[2]}", match.end()


def _noun(text: str, at: int) -> str:
    match = _NOUN.match(text, at)
    return match[1] if match else ""


class RomanNumerals:
    """Speaks Roman numerals behind one of the language's words for numbered things."""

    def __init__(self, language: Language) -> None:
        words = "|".join(map(re.escape, language.roman))
        numerals = "|".join(sorted(_ROMAN, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<!\w)({words}) ({numerals})(?![\w'’-])") if words else None
        self._words = tuple(language.roman)

    def replace(self, text: str) -> str:
        """Replace the numerals in a segment by digits."""
        if self._pattern is None or not any(word in text for word in self._words):
            return text
        return self._pattern.sub(lambda found: f"{found[1]} {_ROMAN[found[2]]}", text)

"""Compares what a voice would say with readings, as folded phonemes of espeak-ng.

Stress, length, pauses and near vowels do not count, so that "same" means that a listener hears the
same words. Numbers that stay digits are right where espeak reads them right.
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

from piper.phonemize_espeak import EspeakPhonemizer
from unicode_rbnf import RbnfEngine

_ESPEAK = EspeakPhonemizer()
_VOICES = {"en": "en-us", "pt": "pt-br", "zh": "cmn"}
_FOLD = str.maketrans(
    {
        **dict.fromkeys("ɪɨᵻyʏjʝ", "i"),
        **dict.fromkeys("ʊʉ", "u"),
        **dict.fromkeys("ɛεəɜœøæ", "e"),
        **dict.fromkeys("ɔɒɵ", "o"),
        **dict.fromkeys("ɑɐʌ", "a"),
        **dict.fromkeys("ɹɾʁʀ", "r"),
        **dict.fromkeys("ʎɭɫ", "l"),
        **dict.fromkeys("ŋɲ", "n"),
        **dict.fromkeys("ʲːˈˌʔ\u0303\u0329\u030a\u031e", None),
        "β": "b",
        "ð": "d",
        "ɣ": "g",
        "ɡ": "g",
        "ɚ": "er",
    }
)
_DROPPED = frozenset(" .,;:!?-–—|\"'‖()\u200d")
_STRUCTURED = frozenset({"markdown", "characters", "ssml"})
_NEAR = 0.75


class Verdict(IntEnum):
    """How near what is heard comes to a reading; only SAME is right."""

    NO = 0
    PAUSE = 1
    """The right words, with a pause too many, or one missing in structured text."""
    NEAR = 2
    SAME = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and the readings that are right."""

    id: str
    kind: str
    language: str
    tier: str
    today: bool
    """Whether espeak alone says one of them."""
    text: str
    readings: tuple[str, ...]


def cases(path: Path) -> list[Case]:
    """Read a table of cases."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Case(
            row["id"],
            row["kind"],
            row["language"],
            row["tier"],
            row["today"] == "yes",
            row["text"].replace("\\n", "\n"),
            tuple(row["spoken"].split(" || ")),
        )
        for row in rows
    ]


def fold(phonemes: str) -> str:
    """Return phonemes as a listener hears them."""
    return "".join(c for c in phonemes if c not in _DROPPED and not c.isspace()).translate(_FOLD)


def phonemes(language: str, text: str) -> list[str]:
    """Return the phonemes of each sentence that is not silent."""
    sentences = [
        "".join(sentence)
        for part in re.split(r"(\[\[.*?\]\])", text)
        for sentence in _ESPEAK.phonemize(_VOICES.get(language, language), part)
    ]
    return [sentence for sentence in sentences if fold(sentence)]


def judge(case: Case, heard: list[str]) -> Verdict:
    """Compare the phonemes of each sentence with a case's readings."""
    best = Verdict.NO
    for reading in (*case.readings, *_with_digits(case)):
        wanted = phonemes(case.language, reading if reading[-1] in ".!?。" else f"{reading}.")
        best = max(best, _compare(heard, wanted, structured=case.kind in _STRUCTURED))
    return best


def _compare(heard: list[str], wanted: list[str], *, structured: bool) -> Verdict:
    got, expected = fold("".join(heard)), fold("".join(wanted))
    verdict = Verdict.SAME
    if got != expected:
        matcher = difflib.SequenceMatcher(None, got, expected, autojunk=False)
        changes = (c for c in matcher.get_opcodes() if c[0] != "equal")
        widest = max(max(i2 - i1, j2 - j1) for _, i1, i2, j1, j2 in changes)
        near = widest <= 2 and matcher.ratio() >= _NEAR
        verdict = Verdict.NEAR if near else Verdict.NO
    missing = structured and _pauses(heard) < _pauses(wanted)
    if verdict and (len(heard) > len(wanted) or missing):
        return Verdict.PAUSE
    return verdict


def _pauses(sentences: list[str]) -> int:
    return len(sentences) + sum(len(re.findall("[,;:]", sentence)) for sentence in sentences)


def _with_digits(case: Case) -> list[str]:
    """Return readings in which espeak spells the numbers: as good as ours."""
    joined = re.sub(r"(?<=\d)[,. \u202f\u00a0](?=\d{3}(?!\d))", "", case.text)
    groups = re.findall(r"\d+", case.text) + re.findall(r"\d+", joined)
    numbers = {int(g) for g in groups if len(g) <= 9}
    numbers |= {int(digit) for g in groups if len(g) <= 8 for digit in g}
    found = []
    for reading in case.readings:
        changed = reading
        for number in sorted(numbers, reverse=True):
            for word in sorted(_spelled(case.language, number), key=len, reverse=True):
                if case.language == "zh":
                    whole = len(word) > 1 or number > 9
                    changed = changed.replace(word, str(number)) if whole else changed
                else:
                    pattern = r"(?i)(?<![\w-])" + re.escape(word) + r"(?![\w-])"
                    changed = re.sub(pattern, str(number), changed)
        if changed != reading:
            found.append(changed)
    return found


@cache
def _spelled(language: str, number: int) -> frozenset[str]:
    rules = RbnfEngine.for_language(language).format_number(number).text_by_ruleset
    words = {
        str(text).replace("\u00ad", "").lower()
        for name, text in rules.items()
        if name.startswith(("spellout-cardinal", "spellout-numbering"))
    }
    variants = set(words)
    for word in words:
        apart = word.replace("-", " ")
        variants |= {apart, word.replace(" ", ""), apart.replace(" and ", " ")}
        if language == "en" and number > 100:
            variants.add(re.sub(r"(hundred|thousand) (?=\S+$|\S+ \S+$)", r"\1 and ", apart))
    return frozenset(variants - {""})

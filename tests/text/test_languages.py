"""The tables of every language, and that espeak says what they hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from piper import espeakbridge
from piper.phonemize_espeak import EspeakPhonemizer

from wyoming_piper_hardened import text
from wyoming_piper_hardened.text.language import load, normalise
from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import spoken

_TABLES = Path(text.__file__).parent / "languages"
CODES = sorted(path.stem for path in _TABLES.glob("*.json"))
ESPEAK = [
    *("ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en-us", "es", "et", "eu", "fa", "fi"),
    *("fr", "he", "hi", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "ko", "ku", "lb", "lv"),
    *("ml", "mr", "ne", "nl", "nb", "pl", "pt-br", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw"),
    *("te", "th", "tr", "uk", "ur", "vi", "cmn"),
]
SIGNS = (
    *("-5", "−5", "–5", "5%", "5 °C", "-5 °C", "5 km/h", "5 kWh", "5 W", "5 m²", "5 €", "€5"),
    *("$5", "5 £", "2 h", "5 min", "5 GB", "1013 hPa"),
)
# CLDR has no Kurdish name for them.
_NAMELESS = {"ku": {"5 °C", "-5 °C", "5 kWh", "5 GB", "1013 hPa"}}
_LOUD = EspeakPhonemizer()  # it sets espeak up


def phonemes(voice: str, said: str) -> str:
    espeakbridge.set_voice(voice)
    return "".join(part + mark for part, mark, _ in espeakbridge.get_phonemes(said))


def sounds(raw: str) -> str:
    return re.sub(r"\([^)]*\)|[\sˈˌ;,.:]", "", raw)


def names(forms: object) -> list[str]:
    return [forms] if isinstance(forms, str) else list(dict(forms).values())  # type: ignore[call-overload]


@pytest.mark.parametrize("code", CODES)
def test_a_table_has_a_form_for_each_plural_and_one_place_for_the_number(code: str) -> None:
    language = load(code)
    data = json.loads((_TABLES / f"{code}.json").read_text(encoding="utf-8"))
    categories = {*data["plural"], "other"}
    assert len(language.months) == 12
    assert len(language.units) > 40
    for table in (language.units, language.currencies, language.fractions_of):
        for forms in table.values():
            assert all(name.strip() and name.count("{}") <= 1 for name in names(forms))
            if not isinstance(forms, str):
                assert "other" in forms or categories >= set(forms)
    assert all(name in language.units for name in language.symbols.values())


@pytest.mark.parametrize("code", CODES)
def test_every_number_has_a_category(code: str) -> None:
    rule = load(code).plural
    for whole, fraction in (("0", ""), ("1", ""), ("2", ""), ("5", ""), ("21", ""), ("1", "5")):
        assert rule.category(whole, fraction) in {"zero", "one", "two", "few", "many", "other"}


@pytest.mark.parametrize(
    ("code", "whole", "category"),
    [
        *(("pl", "1", "one"), ("pl", "22", "few"), ("pl", "12", "many"), ("pl", "5", "many")),
        *(("ru", "21", "one"), ("ru", "2", "few"), ("ru", "11", "many"), ("de", "1", "one")),
        *(("fr", "0", "one"), ("zh", "1", "other"), ("ar", "3", "few"), ("lv", "0", "zero")),
    ],
)
def test_plural_categories(code: str, whole: str, category: str) -> None:
    assert load(code).plural.category(whole) == category


@pytest.mark.parametrize("voice", ESPEAK)
def test_no_sign_is_silent_or_english(voice: str) -> None:
    five = sounds(phonemes(voice, "5"))
    for sign in SIGNS:
        if sign in _NAMELESS.get(voice, ()):
            continue
        said = spoken(Segment(sign), Profile(language=voice))
        raw = phonemes(voice, said)
        assert voice == "en-us" or "(en)" not in raw, (sign, said, raw)
        assert sign.startswith("1") or sounds(raw) != five, (sign, said)


@pytest.mark.parametrize(
    ("code", "normal"),
    [("de_DE", "de-DE"), ("no_NO", "nb-NO"), ("cmn", "zh"), ("en-us", "en-US"), ("pt", "pt")],
)
def test_codes(code: str, normal: str) -> None:
    assert normalise(code) == normal


def test_an_unknown_language_leaves_numbers_alone() -> None:
    profile = Profile(language="tlh")
    assert spoken(Segment("5 km/h - 5 € (5)..."), profile) == "5 km/h, 5 €, 5."


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en-GB", "April 3rd, 20 26."),
        ("en-US", "March 4th, 20 26."),
        ("es-MX", "3 de abril de 2026."),
    ],
)
def test_a_region_has_its_own_order(code: str, said: str) -> None:
    date = "3/4/2026"
    assert spoken(Segment(date), Profile(language=code)) == said

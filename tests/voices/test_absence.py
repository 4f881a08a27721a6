"""Errors for voices that are neither installed nor offered."""

from __future__ import annotations

import pytest

from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.voices.offer.absence import (
    OfferPolicy,
    language_not_offered,
    not_offered,
)

pytestmark = pytest.mark.rendering

KNOWN = bundled()
JOE, THORSTEN = "en_US-joe-medium", "de_DE-thorsten-medium"


@pytest.mark.parametrize("name", [THORSTEN, "en-us-lessac-medium"])
@pytest.mark.parametrize(
    ("policy", "ways"),
    [
        (OfferPolicy(), ["`voices install ", "`languages`"]),
        (OfferPolicy(auto_install=False), ["`voices install ", "`auto_install`"]),
        (OfferPolicy(offline=True), ["`voices install ", "`offline`"]),
        (OfferPolicy(auto_install=False, offline=True), ["`voices install ", "`offline`"]),
    ],
)
def test_voice_of_the_repository_is_refused_with_a_way(
    name: str, policy: OfferPolicy, ways: list[str]
) -> None:
    text = str(not_offered(name, KNOWN, [JOE], policy))
    assert KNOWN.find(name).name in text
    assert all(way in text for way in ways)


def test_unknown_name_is_refused_with_similar_ones_and_those_that_are_there() -> None:
    text = str(not_offered("en_US-joo-medium", KNOWN, ["en_US-jooo-medium"], OfferPolicy()))
    assert text.index("en_US-jooo-medium") < text.index(JOE)
    assert "the voice repository has none" in text
    assert len(str(not_offered("x" * 100_000, KNOWN, [], OfferPolicy()))) < 400


@pytest.mark.parametrize("policy", [OfferPolicy(offline=True), OfferPolicy(auto_install=False)])
def test_repository_that_was_not_asked_is_not_said_to_have_none(policy: OfferPolicy) -> None:
    text = str(not_offered("en_US-joo-medium", KNOWN, [JOE], policy))
    assert "the known list" in text
    assert ("`offline`" in text) is policy.offline


def test_language_is_refused_with_a_way() -> None:
    text = str(language_not_offered("de", KNOWN, ["en_US", "en_US"], OfferPolicy()))
    assert "`voices install de_DE-" in text
    assert text.endswith("languages: en_US")
    assert "none either" in str(language_not_offered("tlh", KNOWN, [], OfferPolicy()))

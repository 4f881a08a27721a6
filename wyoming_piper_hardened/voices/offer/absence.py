"""Why a voice does not speak that is not installed, and what makes it speak."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from ...catalogue.catalogue import Catalogue
from ...catalogue.entry import CatalogueVoice
from ...engine.configuration.phonemizers import check_available
from ...errors import VoiceNotFoundError

_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """Settings that decide whether a request installs a voice of the repository.

    Args:
        auto_install: requests install voices.
        offline: nothing is fetched.
    """

    auto_install: bool = True
    offline: bool = False

    @property
    def allows(self) -> bool:
        """Whether requests install voices at all."""
        return self.auto_install and not self.offline


def not_offered(
    name: str, catalogue: Catalogue, installed: Iterable[str], policy: OfferPolicy
) -> VoiceNotFoundError:
    """Return the error for a voice by name that is neither installed nor offered.

    Raises:
        PhonemizerMissingError: the repository has it, and it cannot speak here.
    """
    entry = catalogue.find_if_any(name)
    there = tuple(installed)
    if entry is not None:
        _check_can_speak(entry)
        return VoiceNotFoundError(
            f"{entry.name} is not installed, but the voice repository has it: {_way(entry, policy)}"
        )
    near = difflib.get_close_matches(
        name[:100],
        dict.fromkeys((*there, *(voice.name for voice in catalogue.speakable))),
        _SHOWN_NAMES,
        cutoff=0.5,
    )
    similar = f"; similar ones: {', '.join(near)}" if near else ""
    known = "the voice repository has none"
    if not policy.allows:  # then it was not asked
        known = "the known list of the voice repository has none"
        known += ", and `offline` forbids to get a newer one" if policy.offline else ""
    return VoiceNotFoundError(
        f"no voice {name[:80]!r} is installed, and {known}{similar}; "
        f"there are: {', '.join(there) or 'none'}"
    )


def language_not_offered(
    language: str, catalogue: Catalogue, installed: Iterable[str], policy: OfferPolicy
) -> VoiceNotFoundError:
    """Return the error for a language that no installed or offered voice speaks.

    Raises:
        PhonemizerMissingError: the repository has some, and none of them can speak here.
    """
    entries = sorted(catalogue.speaking(language), key=lambda voice: not voice.can_speak)
    way = "the voice repository has none either"
    for entry in entries[:1]:
        _check_can_speak(entry)
        way = f"the voice repository has some: {_way(entry, policy)}"
    return VoiceNotFoundError(
        f"no installed voice speaks {language[:40]!r}; {way}; "
        f"languages: {', '.join(sorted(set(installed))) or 'none'}"
    )


def _check_can_speak(entry: CatalogueVoice) -> None:
    if entry.phonemizer is not None:
        check_available(entry.phonemizer, entry.name)


def _way(entry: CatalogueVoice, policy: OfferPolicy) -> str:
    command = f"`voices install {entry.name}` or the page installs it"
    if policy.offline:
        return f"{command}, once `offline` is switched off"
    if not policy.auto_install:
        return f"{command}, or the first request with `auto_install` switched on"
    return f"{command}, or the first request once {entry.language.code} is in `languages`"

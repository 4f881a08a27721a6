"""Chooses the voice and speaker of a request, and who speaks instead when that cannot."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from ..config.presets import Preset
from ..errors import (
    HardenedError,
    RequestError,
    SpeakerNotFoundError,
    VoiceNotFoundError,
    VoiceUnavailableError,
)
from ..reporting.events import Event
from ..reporting.issues import Failure
from ..store.voice import Voice
from ..voices.library import Library
from ..workers.pool import Pool
from .presets import Presets, speaker_of
from .target import SpeechDefaults, Target

_LOGGER = logging.getLogger(__name__)

Obtain = Callable[[str | None, str | None], Awaitable[Voice]]
"""Gets a voice that is not installed, by its name or language; raises HardenedError."""


class VoiceResolver:
    """The one place that decides whether a voice can speak.

    A voice cannot speak while the library has withdrawn it (damaged, being repaired) or while the
    workers' circuit breaker of its version is open.

    Args:
        library: the installed voices.
        pool: knows which versions fail in the workers.
        defaults: speaker, options and fallback of requests that name none.
        obtain: gets voices that are offered but not installed; ``None`` for none.
        presets: names that stand for a voice with options of its own; none by default.
    """

    def __init__(
        self,
        library: Library,
        pool: Pool,
        defaults: SpeechDefaults,
        obtain: Obtain | None = None,
        presets: Presets | None = None,
    ) -> None:
        self._library = library
        self._pool = pool
        self._defaults = defaults
        self._obtain = obtain
        self.presets = presets or Presets((), library)
        self._replaced: set[str] = set()
        self._speaker_reported = False

    @property
    def can_speak(self) -> bool:
        """Whether the voice of requests that name none can speak at this moment."""
        voice = self.speaking
        return voice is not None and self._pool.is_ready and self._failure(voice) is None

    @property
    def speaking(self) -> Voice | None:
        """The voice of requests that name none at this moment; ``None`` if nothing is installed."""
        try:
            voice = self._library.find()
        except VoiceUnavailableError:
            return self._fallback() or next(iter(self._library), None)
        except VoiceNotFoundError:
            return None
        return voice if self._failure(voice) is None else self._fallback() or voice

    def failing(self) -> Mapping[str, Failure]:
        """Return the installed voices whose version fails in the workers, and why."""
        failing = self._pool.unavailable_voices()
        return {v.name: failing[v.version] for v in self._library if v.version in failing}

    def speaker_error(self) -> SpeakerNotFoundError | None:
        """Return why the settings' voice cannot speak with the speaker of the settings, if so."""
        if self._library.configured in self._library:
            try:
                self._library.find(self._library.configured).speaker_id(self._defaults.speaker)
            except SpeakerNotFoundError as err:
                return err
        return None

    async def find(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """Return who speaks a request; a voice that is offered is installed first.

        `name` may be that of a preset.

        Raises:
            HardenedError: there is no such voice or speaker, or the voice cannot be had now.
        """
        preset = self._preset(name, language)
        if preset is not None:
            await self._find(preset.voice, None, None)
            return self.resolve(preset.name, None, speaker)
        return await self._find(name, language, speaker)

    async def _find(self, name: str | None, language: str | None, speaker: str | None) -> Target:
        try:
            return self._resolve(name, language, speaker)
        except VoiceNotFoundError:
            if self._obtain is None:
                raise
            try:
                voice = await self._obtain(name, language)
            except VoiceNotFoundError as err:
                raise err from None
            except HardenedError as err:
                if self._defaults.fallback_voice is None:
                    raise
                return self._target(self._substitute(name or language or "", str(err)), None)
        return self._resolve(voice.name, None, speaker)

    def resolve(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """Return who speaks a request, of the installed voices and the presets.

        Raises:
            VoiceNotFoundError: there is no such voice.
            SpeakerNotFoundError: the voice has no such speaker.
        """
        preset = self._preset(name, language)
        if preset is None:
            return self._resolve(name, language, speaker)
        target = self._resolve(preset.voice, None, speaker)
        if not speaker and preset.speaker and target.voice.name == preset.voice:
            target = self._target(target.voice, speaker_of(preset, target.voice))
        return target.adjusted(preset)

    def _preset(self, name: str | None, language: str | None) -> Preset | None:
        """Return the preset that a request is for, by its name or because it is the default."""
        if name:
            return self.presets.find(name)
        default = self.presets.default
        if default is None or not language:
            return default
        with contextlib.suppress(RequestError):
            if self._library.find(language=language).name == default.voice:
                return default
        return None

    def _resolve(self, name: str | None, language: str | None, speaker: str | None) -> Target:
        try:
            voice = self._library.find(name, language)
        except VoiceUnavailableError as err:
            return self._target(self._substitute(name or "", str(err)), None)
        target = self._target(voice, speaker)
        if (failure := self._failure(voice)) is None:
            self._replaced.discard(voice.name)
            return target
        if (fallback := self._fallback()) is None:
            return target
        self._report_substitute(voice.name, fallback, str(failure))
        return self._target(fallback, None)

    def _failure(self, voice: Voice) -> Failure | None:
        return self._pool.unavailable(voice.version)

    def _substitute(self, name: str, reason: str) -> Voice:
        voice = self._fallback() or self._library.default
        self._report_substitute(name, voice, reason)
        return voice

    def _report_substitute(self, name: str, voice: Voice, reason: str) -> None:
        if name not in self._replaced:
            self._replaced.add(name)
            _LOGGER.warning(Event("voice-replaced", speaks=voice.name, voice=name, reason=reason))

    def _fallback(self) -> Voice | None:
        if self._defaults.fallback_voice:
            with contextlib.suppress(RequestError):
                voice = self._library.find(self._defaults.fallback_voice)
                if self._failure(voice) is None:
                    return voice
        return None

    def _target(self, voice: Voice, speaker: str | None) -> Target:
        if not speaker and voice.name == self._library.configured:
            speaker = self._default_speaker()
        options = replace(self._defaults.options, speaker_id=voice.speaker_id(speaker or None))
        return Target(voice, options, self._defaults.silence)

    def _default_speaker(self) -> str | None:
        if (error := self.speaker_error()) is None:
            return self._defaults.speaker
        if not self._speaker_reported:
            self._speaker_reported = True
            _LOGGER.warning(Event("speaker-missing", reason=str(error)))
        return None

"""Presets by name: which there are, whose voice is installed, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..config.presets import Preset
from ..errors import SpeakerNotFoundError
from ..reporting.issues import Issue, IssueKind, Suggestion
from ..store.voice import Voice
from ..voices.library import Library


class Presets:
    """The presets of the settings, and those made while the server runs.

    An installed voice goes before a preset of the same name, one of the settings before another.

    Args:
        presets: those of the settings, with names that differ in more than case.
        library: the installed voices.
    """

    def __init__(self, presets: Iterable[Preset], library: Library) -> None:
        self._fixed = _by_name(presets)
        self._own: dict[str, Preset] = {}
        self._library = library
        self.revision = 0
        """Number of changes so far."""
        self._default: str | None = None

    @property
    def default(self) -> Preset | None:
        """The preset of requests that name no voice, if there is one and its voice is here."""
        preset = self.find(self._default)
        return preset if preset is not None and preset.voice in self._library else None

    def set_default(self, name: str | None) -> None:
        """Make a preset that of requests that name no voice; ``None`` for none."""
        self._default = name

    @property
    def own(self) -> tuple[Preset, ...]:
        """Those that were made while the server ran."""
        return tuple(self._own.values())

    @property
    def count(self) -> int:
        """The number of all."""
        return len(self._fixed) + len(self._own)

    def set_own(self, presets: Iterable[Preset]) -> None:
        """Replace those that were made while the server ran."""
        self._own = _by_name(presets)
        self.revision += 1

    def find_own(self, name: str) -> Preset | None:
        """Return the preset of that name that was made while the server ran."""
        return self._own.get(_key(name))

    def find_fixed(self, name: str) -> Preset | None:
        """Return the preset of the settings of that name."""
        return self._fixed.get(_key(name))

    def __iter__(self) -> Iterator[Preset]:
        return (one for one in self._all() if one.name not in self._library)

    def find(self, name: str | None) -> Preset | None:
        """Return the preset of that name, in upper or lower case; ``None`` if there is none."""
        if not name or name in self._library:
            return None
        return self.find_fixed(name) or self.find_own(name)

    def usable(self) -> list[tuple[Preset, Voice]]:
        """Return the presets whose voice is installed, each with that voice."""
        voices = {voice.name: voice for voice in self._library}
        return [(one, voices[one.voice]) for one in self if one.voice in voices]

    def issues(self) -> Iterator[Issue]:
        """Yield what is wrong; a voice that is missing is not, it is an issue of its own."""
        for preset in self._all():
            if preset.name in self._library:
                params = {"preset": preset.name}
                yield Issue(
                    IssueKind.OPTION,
                    f"presets: {preset.name}",
                    "preset-name-taken",
                    params,
                    Suggestion.CHANGE_OPTION,
                )
        for preset, voice in self.usable():
            if preset.speaker is not None and speaker_of(preset, voice) is None:
                reason = f"{voice.name} has no speaker {preset.speaker!r}"
                yield Issue(
                    IssueKind.OPTION,
                    f"presets: {preset.name}",
                    SpeakerNotFoundError.code,
                    {"reason": reason},
                    Suggestion.CHANGE_OPTION,
                )

    def _all(self) -> Iterable[Preset]:
        own = (preset for key, preset in self._own.items() if key not in self._fixed)
        return (*self._fixed.values(), *own)


def _by_name(presets: Iterable[Preset]) -> dict[str, Preset]:
    return {_key(preset.name): preset for preset in presets}


def _key(name: str) -> str:
    return name.strip().casefold()


def speaker_of(preset: Preset, voice: Voice) -> str | None:
    """Return the speaker of a preset; ``None``, the first one, if the voice has no such speaker."""
    try:
        voice.speaker_id(preset.speaker)
    except SpeakerNotFoundError:
        return None
    return preset.speaker

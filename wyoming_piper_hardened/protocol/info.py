"""The ``info`` event, the answer to ``describe``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from .. import __version__
from ..catalogue.entry import CatalogueVoice
from ..config.presets import Preset
from ..speech.presets import Presets
from ..store.voice import Voice, speaker_names
from ..voices.library import Library
from ..voices.offer.on_demand import OnDemand

_PIPER = Attribution(name="The Piper authors", url="https://github.com/OHF-Voice/piper1-gpl")
_VOICES = Attribution(
    name="The Piper voices' authors", url="https://huggingface.co/rhasspy/piper-voices"
)


@dataclass
class OfferedVoice(TtsVoice):
    """A voice that its first request installs; most clients do not know the field."""

    on_demand: bool = True


class Description:
    """The ``info`` event, made anew only when the voices have changed.

    Args:
        library: the installed voices.
        on_demand: the voices that are installed on request.
        presets: voices with options of their own.
    """

    def __init__(self, library: Library, on_demand: OnDemand, presets: Presets) -> None:
        self._library = library
        self._on_demand = on_demand
        self._presets = presets
        self._described: tuple[int, int, tuple[CatalogueVoice, ...]] | None = None
        self._event = Event("")

    def event(self) -> Event:
        """Return the ``info`` event."""
        offered = self._on_demand.offered()
        current = (self._library.revision, self._presets.revision, offered)
        if self._described != current:
            self._described = current
            self._event = build_info(self._library, offered, self._presets.usable()).event()
        return self._event


def build_info(
    library: Library,
    offered: Iterable[CatalogueVoice] = (),
    presets: Iterable[tuple[Preset, Voice]] = (),
) -> Info:
    """List every installed voice, the default's first, the presets, and what is `offered`.

    Home Assistant needs an attribution at every artifact and a language at every voice, and offers
    only what is marked as installed; so a voice that its first request installs is marked, too.
    """
    return Info(
        tts=[
            TtsProgram(
                name="piper-hardened",
                description="Piper voices, spoken by supervised processes",
                attribution=_PIPER,
                installed=True,
                version=__version__,
                voices=[
                    *(_tts_voice(voice) for voice in library),
                    *(_preset(preset, voice) for preset, voice in presets),
                    *(_offered_voice(voice) for voice in offered),
                ],
                supports_synthesize_streaming=True,
            )
        ]
    )


def _tts_voice(voice: Voice) -> TtsVoice:
    speakers = speaker_names(voice.speakers, voice.number_of_speakers)
    return _entry(voice.name, _readable(voice.name), voice.language, speakers)


def _preset(preset: Preset, voice: Voice) -> TtsVoice:
    speakers = speaker_names(voice.speakers, voice.number_of_speakers)
    return _entry(preset.name, preset.name, voice.language, [] if preset.speaker else speakers)


def _offered_voice(voice: CatalogueVoice) -> TtsVoice:
    description = f"{_readable(voice.name)} (installed on first use, {voice.size / 1e6:.0f} MB)"
    speakers = speaker_names(voice.speakers, voice.number_of_speakers)
    entry = _entry(voice.name, description, voice.language.code, speakers)
    return OfferedVoice(**vars(entry))


def _entry(name: str, description: str, language: str, speakers: list[str]) -> TtsVoice:
    return TtsVoice(
        name=name,
        description=description,
        attribution=_VOICES,
        installed=True,
        version=None,
        languages=[language],
        speakers=[TtsVoiceSpeaker(name=speaker) for speaker in speakers] or None,
    )


def _readable(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")

"""What the server says of itself when a client asks ``describe``."""

from __future__ import annotations

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from .. import __version__
from ..voices.library import Library
from ..voices.voice import Voice

_PIPER = Attribution(name="The Piper authors", url="https://github.com/OHF-Voice/piper1-gpl")
_VOICES = Attribution(
    name="The Piper voices' authors", url="https://huggingface.co/rhasspy/piper-voices"
)


def build_info(library: Library) -> Info:
    """List every installed voice, the default one first.

    Home Assistant needs an attribution at every artifact and a language at every voice, and offers
    only what is marked as installed.
    """
    return Info(
        tts=[
            TtsProgram(
                name="piper-hardened",
                description="Piper voices, spoken by supervised processes",
                attribution=_PIPER,
                installed=True,
                version=__version__,
                voices=[_tts_voice(voice) for voice in library],
                supports_synthesize_streaming=True,
            )
        ]
    )


def _tts_voice(voice: Voice) -> TtsVoice:
    names = sorted(voice.speakers, key=lambda name: voice.speakers[name])
    if not names and voice.number_of_speakers > 1:
        names = [str(number) for number in range(voice.number_of_speakers)]
    return TtsVoice(
        name=voice.name,
        description=voice.name.replace("_", " ").replace("-", " "),
        attribution=_VOICES,
        installed=True,
        version=None,
        languages=[voice.language],
        speakers=[TtsVoiceSpeaker(name=name) for name in names] or None,
    )

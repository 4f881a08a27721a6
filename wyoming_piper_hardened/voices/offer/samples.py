"""Samples that the voice repository keeps beside its voices: a few seconds of each speaker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice
from ...errors import SpeakerNotFoundError, VoiceError
from ...hub.errors import DownloadError, NotOnHubError
from .mp3 import is_mp3
from .small_files import SmallFiles

if TYPE_CHECKING:
    from ...hub.client import Hub

MAX_SAMPLE_BYTES = 1 << 20
"""Those of the repository have some 100 kB."""

_MAX_DIGITS = 5


class SampleUnknownError(VoiceError):
    """The repository has no sample of a speaker."""

    code = "sample-unknown"


class SampleInvalidError(DownloadError):
    """The answer in place of a sample is no audio."""

    code = "sample-invalid"


class Samples:
    """Fetches samples of voices of the hub, whether these are installed or not.

    Args:
        catalogue: the voices of the hub.
        files: fetches and keeps.
    """

    def __init__(self, catalogue: CurrentCatalogue, files: SmallFiles) -> None:
        self._catalogue = catalogue
        self._files = files

    async def find(self, name: str, speaker: str | None) -> bytes:
        """Return the MP3 of a voice's speaker, by name or number; of the first by default.

        Raises:
            VoiceNotFoundError: the hub has no such voice.
            SpeakerNotFoundError: the voice has no such speaker.
            SampleUnknownError: the hub has no sample of it.
            DownloadError: it cannot be had now, or is no MP3.
        """
        voice = (await asyncio.to_thread(self._catalogue.read)).find(name)
        return await self.get(voice, _number(voice, speaker))

    async def get(self, voice: CatalogueVoice, speaker: int) -> bytes:
        """Return the MP3 of a voice's speaker, by number.

        Raises:
            SampleUnknownError, DownloadError: as `find`.
        """
        path = sample_path(voice, speaker)

        async def fetch(hub: Hub, revision: str) -> bytes:
            try:
                data = await hub.read(path, revision, limit=MAX_SAMPLE_BYTES)
            except NotOnHubError:
                raise SampleUnknownError(f"the voice repository has no {path}") from None
            if not await asyncio.to_thread(is_mp3, data):
                raise SampleInvalidError(f"{path} of the voice repository is no MP3; try later")
            return data

        return await self._files.get(path, fetch)


def sample_path(voice: CatalogueVoice, speaker: int) -> str:
    """Return where the repository has the sample of a speaker, by number."""
    return f"{voice.folder}/samples/speaker_{speaker}.mp3"


def _number(voice: CatalogueVoice, speaker: str | None) -> int:
    if not speaker:
        return 0
    number = voice.speakers.get(speaker)
    if number is None and speaker.isdecimal() and len(speaker) <= _MAX_DIGITS:
        number = int(speaker)
    if number is None or number >= voice.number_of_speakers:
        raise SpeakerNotFoundError(f"{voice.name} has no speaker {speaker[:40]!r}")
    return number

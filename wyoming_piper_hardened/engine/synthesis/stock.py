"""A voice that has not been prepared: the stock model as it is, one sentence at a time."""

from __future__ import annotations

import logging
from collections.abc import Generator
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from piper import PiperVoice, SynthesisConfig

from ...errors import VoiceModelError
from ..configuration.description import VoiceConfiguration
from ..cost import check_length
from ..embedded import file_digest
from ..messages import SpeechOptions, config_path
from ..preparation.surgery.control_flow import refuse_loops
from ..preparation.surgery.cut import cut_whole
from ..preparation.surgery.graph import Graph, StructureError
from ..preparation.surgery.stock_file import read_graph
from ..preparation.surgery.tables import within_tables
from ..report import Mode, SplitReport
from ..schedule import Schedule
from ..sessions.level import peak_gain, to_pcm
from ..sessions.room import ROOM
from ..sessions.session import SessionSettings, open_model
from .phonemes import Phonemes, piper_config, read_config
from .voice import Chunk, Pcm, Voice, WholeVoice, resolve, whole_sentences

_LOGGER = logging.getLogger(__name__)


def open_stock(model: Path, threads: int) -> Voice:
    """Open a stock model and the configuration beside it.

    Its noise is given to it where its graph allows that: then equal requests give equal bytes.

    Raises:
        VoiceError: a file is missing, damaged or not a Piper voice.
    """
    config = read_config(config_path(model))
    settings = SessionSettings(threads=threads, arena=False)
    try:
        graph = Graph(read_graph(model), model.parent)
        refuse_loops(graph.model, model.name)
        config = within_tables(config, graph)
        return _open_with_noise(model, graph, config, settings)
    except (StructureError, VoiceModelError) as err:
        _LOGGER.info("%s draws its own noise: %s", model.name, err)
        return StockVoice(open_model(model, settings), config)


def _open_with_noise(
    model: Path, graph: Graph, config: VoiceConfiguration, settings: SessionSettings
) -> Voice:
    front = cut_whole(graph)
    report = SplitReport(
        mode=Mode.WHOLE,
        reason="not prepared",
        digest=file_digest(model),
        sample_rate=config.sample_rate,
        hop_length=1,
        speakers=config.number_of_speakers,
        front=model.name,
        front_noise=front.noise,
        front_speaker=front.speaker,
        flow=None,
        decoder=None,
        gain=1.0,
    )
    session = open_model(front.model.SerializeToString(), settings, graph.weights)
    return WholeVoice(session, report, config, by_peak=True)


class StockVoice:
    """Speaks by piper-tts; its noise is the library's own and differs from run to run."""

    def __init__(self, session: onnxruntime.InferenceSession, config: VoiceConfiguration) -> None:
        self._config = config
        self._piper = PiperVoice(session=session, config=piper_config(config))
        self._phonemes = Phonemes(config)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._config.sample_rate

    def chunks(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,  # noqa: ARG002 - the interface has it; here nothing is cut
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Chunk, None, int | None]:
        """As `voice.Voice.chunks`, but not repeatable, and each sentence at its own peak."""
        speaker, scales = resolve(options, self._config)
        config = SynthesisConfig(
            speaker_id=speaker,
            length_scale=scales.length,
            noise_scale=scales.noise,
            noise_w_scale=scales.noise_w,
        )
        return self._sentences(text, config, options.volume, from_sample, from_phrase)

    def _sentences(
        self, text: str, config: SynthesisConfig, volume: float, skip: int, first: int
    ) -> Generator[Chunk, None, int | None]:
        assert config.length_scale is not None
        piece = self._phonemes.piece(text, first, config.length_scale)
        spoken = [partial(self._spoken, ids, config, volume) for _, ids in piece.phrases]
        yield from whole_sentences(spoken, skip)
        return piece.rest

    def _spoken(self, ids: list[int], config: SynthesisConfig, volume: float) -> Pcm:
        with ROOM.taken():
            audio = self._piper.phoneme_ids_to_audio(ids, config)
        assert isinstance(audio, np.ndarray)  # a pair only where alignments are asked for
        assert config.length_scale is not None
        check_length(audio.size / self.sample_rate, ids, config.length_scale)
        return to_pcm(audio.ravel(), volume * peak_gain(audio))

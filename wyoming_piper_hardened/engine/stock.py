"""A voice that has not been prepared: piper-tts as it is."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
from piper import PiperVoice, SynthesisConfig

from .cost import check_length
from .level import to_pcm
from .messages import SpeechOptions, config_path
from .phonemes import Phonemes, read_config
from .schedule import Schedule
from .session import SessionSettings, open_model
from .voice import Pcm, resolve

_SILENT = 1e-8


class StockVoice:
    """Speaks one sentence at a time; its noise is the library's own and differs from run to run."""

    def __init__(self, model: Path, threads: int) -> None:
        """Load the model and the configuration beside it.

        Raises:
            VoiceError: a file is missing, damaged or not a Piper voice.
        """
        config = read_config(config_path(model))
        settings = SessionSettings(threads=threads, arena=False)
        self._piper = PiperVoice(session=open_model(model, settings), config=config)
        self._phonemes = Phonemes(config)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._piper.config.sample_rate

    def synthesize(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,  # noqa: ARG002 - the interface has it; here nothing is cut
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Pcm, None, int | None]:
        """As `voice.Voice.synthesize`, but not repeatable, and each sentence at its own peak."""
        speaker, scales = resolve(options, self._piper.config)
        config = SynthesisConfig(
            speaker_id=speaker,
            length_scale=scales.length,
            noise_scale=scales.noise,
            noise_w_scale=scales.noise_w,
        )
        return self._sentences(text, config, options.volume, from_sample, from_phrase)

    def close(self) -> None:
        """Nothing to stop: the session goes with the object."""

    def _sentences(
        self, text: str, config: SynthesisConfig, volume: float, skip: int, start: int
    ) -> Generator[Pcm, None, int | None]:
        assert config.length_scale is not None
        piece = self._phonemes.piece(text, start, config.length_scale)
        for _, ids in piece.phrases:
            audio = self._piper.phoneme_ids_to_audio(ids, config)
            assert isinstance(audio, np.ndarray)  # a pair only where alignments are asked for
            check_length(audio.size / self.sample_rate, ids, config.length_scale)
            peak = float(np.abs(audio).max(initial=0))
            pcm = to_pcm(audio.ravel(), volume / peak if peak > _SILENT else 0.0)
            yield pcm[skip:]
            skip = max(0, skip - pcm.size)
        return piece.rest

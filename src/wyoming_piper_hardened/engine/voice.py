"""A loaded voice: text in, 16-bit PCM out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnxruntime
from piper import PiperConfig, PiperVoice, SynthesisConfig

from ..errors import SynthesisError, VoiceError
from .messages import SpeechOptions, config_path


class WholeVoice:
    """Speaks with piper-tts as it is: each sentence is finished before its first sample is out."""

    def __init__(self, model: Path, threads: int) -> None:
        """Load the model and the configuration beside it.

        Raises:
            VoiceError: a file is missing, damaged or not a Piper voice.
        """
        self._voice = PiperVoice(
            session=_session(model, threads), config=_config(config_path(model))
        )

    @property
    def sample_rate(self) -> int:
        """Samples per second of the one channel."""
        return self._voice.config.sample_rate

    def synthesize(self, text: str, options: SpeechOptions) -> Iterator[bytes]:
        """Yield the PCM (signed 16-bit little-endian, mono) of one sentence after the other.

        Text without a known phoneme yields nothing.

        Raises:
            SynthesisError: the speaker does not exist or the model fails on this input.
        """
        speakers = self._voice.config.num_speakers
        if options.speaker_id is not None and not 0 <= options.speaker_id < max(speakers, 1):
            raise SynthesisError(f"the voice has {speakers} speakers, not a {options.speaker_id}")
        config = SynthesisConfig(
            speaker_id=options.speaker_id,
            length_scale=options.length_scale,
            noise_scale=options.noise_scale,
            noise_w_scale=options.noise_w_scale,
        )
        for chunk in self._voice.synthesize(text, config):
            yield chunk.audio_int16_bytes


def _session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep instead of spinning; memory goes back to the system after a sentence.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as err:  # noqa: BLE001 - onnxruntime raises many unrelated types
        raise VoiceError(f"{model.name} does not load: {err}") from None


def _config(path: Path) -> PiperConfig:
    try:
        loaded: Any = json.loads(path.read_text(encoding="utf-8"))
        return PiperConfig.from_dict(loaded)
    except OSError as err:
        raise VoiceError(f"cannot read {path.name}: {err.strerror}") from None
    except (ValueError, RecursionError):
        raise VoiceError(f"{path.name} is not a voice configuration") from None
    except (KeyError, TypeError, AttributeError) as err:
        raise VoiceError(f"{path.name} lacks or misuses {err}") from None

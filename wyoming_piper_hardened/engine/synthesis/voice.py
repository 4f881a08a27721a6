"""A prepared voice: text in, 16-bit audio out as it is made, from any sample on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import isfinite
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper import PiperConfig

from ...errors import BadRequestError, SpeakerNotFoundError, VoicePartsError
from ..cost import Piece, check_length
from ..messages import LENGTH_SCALES, NOISE_SCALES, VOLUMES, SpeechOptions
from ..report import Mode, SplitReport
from ..schedule import Schedule
from .level import peak_gain, to_pcm
from .noise import Noise
from .parts import Parts, Scales, SentenceSettings, Utterance, front_feed
from .phonemes import Phonemes, read_config
from .session import SessionSettings, open_model, run

Pcm = NDArray[np.int16]

_Sentence = tuple[list[int], SentenceSettings]
"""Phoneme ids, and how they are spoken."""


SPIN_MICROSECONDS: Final = 100
"""Waiting awake inside the encoder.

Most of the gain of spinning without a limit, and harmless when another program is busy.
"""


class Voice(Protocol):
    """A loaded voice."""

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        ...

    def synthesize(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Pcm, None, int | None]:
        """Mono audio of `text`, its phrases in order, in chunks.

        The phrases before `from_phrase` are left out, and `from_sample` samples of what follows. A
        text that costs too much to be spoken at once is spoken in part; the generator returns the
        phrase to continue from. The bytes depend on the voice, `text`, `options` and `schedule`
        alone. Text without a known phoneme gives no audio. Closing the iterator stops the work
        after the chunks that are being computed.

        Raises:
            SpeakerNotFoundError: the voice has no such speaker; raised at the call.
            BadRequestError: a setting is out of range; raised at the call.
            PhonemesError: the text cannot be read; raised at the first chunk.
            SynthesisError: the text costs too much, or the model fails; raised at any chunk.
        """
        ...

    def close(self) -> None:
        """Stop the threads; the sessions go with the object."""
        ...


def load(
    folder: Path,
    config: Path,
    threads: int = 1,
    settings: SessionSettings | None = None,
    weights: Path | None = None,
) -> Voice:
    """Load the parts that `split` wrote into `folder`.

    `weights` is the folder of the stock model, where that does not lie beside the parts.
    `threads` is how many processors a request may use: inside the encoder, then for chunks side by
    side. It never changes the audio.

    Raises:
        VoicePartsError: the report is missing, damaged or of another format, or the stock model is
            not the one that the parts were made for.
        VoiceModelError: a part cannot be loaded.
        VoiceConfigError: the voice's configuration cannot be used.
    """
    settings = settings or SessionSettings(threads=threads, spin_microseconds=SPIN_MICROSECONDS)
    report = SplitReport.read(folder)
    piper = read_config(config)
    _require_stock(report, weights or folder)
    if report.mode is Mode.WHOLE:
        session = open_model(folder / report.front, settings, weights)
        return WholeVoice(session, report, piper)
    return SplitVoice(Parts(folder, report, settings, weights), piper, threads)


class SplitVoice:
    """Streams each sentence in chunks, of which `threads` are computed side by side."""

    def __init__(self, parts: Parts, config: PiperConfig, threads: int) -> None:
        self._parts = parts
        self._report = parts.report
        self._phonemes = Phonemes(config)
        self._threads = max(1, threads)
        self._pool = ThreadPoolExecutor(self._threads, "decode") if self._threads > 1 else None

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._report.sample_rate

    def synthesize(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Pcm, None, int | None]:
        """As `Voice.synthesize`."""
        resolved = resolve(options, self._phonemes.config)
        gain = self._report.gain * options.volume
        return self._chunks(text, resolved, gain, schedule, skip=from_sample, first=from_phrase)

    def close(self) -> None:
        """As `Voice.close`."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _chunks(
        self,
        text: str,
        resolved: tuple[int, Scales],
        gain: float,
        schedule: Schedule,
        *,
        skip: int,
        first: int,
    ) -> Generator[Pcm, None, int | None]:
        hop = self._report.hop_length
        piece = self._phonemes.piece(text, first, resolved[1].length)
        for ids, settings in _sentences(self._report, piece, text, *resolved):
            utterance = self._parts.utter(ids, settings)
            check_length(utterance.frames * hop / self.sample_rate, ids, settings.scales.length)
            # The schedule cuts the whole sentence even where its beginning is left out: the same
            # borders give the same last bits, and so the same bytes.
            spans = [span for span in schedule.chunks(utterance.frames) if span[1] * hop > skip]
            decoded = self._decoded(utterance, spans, settings.speaker, gain)
            for (start, _), pcm in zip(spans, decoded, strict=True):
                yield pcm[max(0, skip - start * hop) :]
            skip = max(0, skip - utterance.frames * hop)
        return piece.rest

    def _decoded(
        self, utterance: Utterance, spans: list[tuple[int, int]], speaker: int, gain: float
    ) -> Generator[Pcm, None, None]:
        """Each span's audio, in order, computing at most `threads` of them ahead."""

        def one(span: tuple[int, int]) -> Pcm:
            return to_pcm(self._parts.decode(utterance, *span, speaker), gain)

        if self._pool is None:
            yield from map(one, spans)
            return
        pending: deque[Future[Pcm]] = deque()
        try:
            for span in spans:
                pending.append(self._pool.submit(one, span))
                if len(pending) > self._threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


class WholeVoice:
    """Speaks a sentence at a time with the whole model, its noise given where the graph allows."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        report: SplitReport,
        config: PiperConfig,
        *,
        by_peak: bool = False,
    ) -> None:
        """Speak with `session`; `by_peak` brings each sentence to its own full scale."""
        self._by_peak = by_peak
        self._report = report
        self._phonemes = Phonemes(config)
        self._session = session

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._report.sample_rate

    def synthesize(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,  # noqa: ARG002 - the interface has it; here nothing is cut
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Pcm, None, int | None]:
        """As `Voice.synthesize`, whatever the schedule."""
        resolved = resolve(options, self._phonemes.config)
        return self._sentences(text, resolved, options.volume, from_sample, from_phrase)

    def close(self) -> None:
        """Nothing to stop."""

    def _sentences(
        self, text: str, resolved: tuple[int, Scales], volume: float, skip: int, first: int
    ) -> Generator[Pcm, None, int | None]:
        piece = self._phonemes.piece(text, first, resolved[1].length)
        for ids, settings in _sentences(self._report, piece, text, *resolved):
            audio = run(self._session, front_feed(self._report, ids, settings))[0]
            check_length(audio.size / self.sample_rate, ids, settings.scales.length)
            gain = peak_gain(audio) if self._by_peak else self._report.gain
            pcm = to_pcm(audio.ravel(), gain * volume)
            if pcm.size > skip:
                yield pcm[skip:]
            skip = max(0, skip - pcm.size)
        return piece.rest


def resolve(options: SpeechOptions, config: PiperConfig) -> tuple[int, Scales]:
    """(speaker id, scales) with the voice's own values filled in.

    Raises:
        SpeakerNotFoundError: the voice has no such speaker.
        BadRequestError: a value makes no sense.
    """
    speaker = config.default_speaker_id if options.speaker_id is None else options.speaker_id
    if not 0 <= speaker < max(1, config.num_speakers):
        raise SpeakerNotFoundError(
            f"speaker {speaker} does not exist; the voice has {max(1, config.num_speakers)}"
        )
    length = _within("length_scale", options.length_scale, config.length_scale, LENGTH_SCALES)
    noise = _within("noise_scale", options.noise_scale, config.noise_scale, NOISE_SCALES)
    noise_w = _within("noise_w_scale", options.noise_w_scale, config.noise_w_scale, NOISE_SCALES)
    _within("volume", options.volume, 1.0, VOLUMES)
    return speaker, Scales(noise=noise, length=length, noise_w=noise_w)


def _require_stock(report: SplitReport, weights: Path) -> None:
    """Check that the parts' weights can be where the parts look for them.

    The weights themselves are read as they are needed; whether they are the right ones is verified
    when a version is committed and verified.
    """
    if report.stock is None:
        return
    try:
        size = (weights / report.stock.file).stat().st_size
    except OSError as error:
        raise VoicePartsError(
            f"cannot read {report.stock.file}, in which the parts' weights lie ({error.strerror});"
            " prepare the voice again"
        ) from error
    if size != report.stock.size:
        raise VoicePartsError(
            f"{report.stock.file} has {size} bytes, its parts were made for {report.stock.size};"
            " prepare the voice again"
        )


def _sentences(
    report: SplitReport, piece: Piece, text: str, speaker: int, scales: Scales
) -> Iterator[_Sentence]:
    """Each phrase of a piece of `text`, with noise that belongs to it alone."""
    settings = (scales.noise, scales.length, scales.noise_w)
    for index, ids in piece.phrases:
        noise = Noise.of(report.digest, speaker, text, index, settings)
        yield ids, SentenceSettings(scales, speaker, noise)


def _within(name: str, value: float | None, default: float, limits: tuple[float, float]) -> float:
    chosen = default if value is None else value
    if not isfinite(chosen) or not limits[0] <= chosen <= limits[1]:
        raise BadRequestError(f"{name} {chosen} is not between {limits[0]} and {limits[1]}")
    return float(chosen)

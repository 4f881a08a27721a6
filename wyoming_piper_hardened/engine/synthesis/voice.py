"""A prepared voice: text in, 16-bit audio out as it is made, from any sample on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...errors import BadRequestError, SpeakerNotFoundError, VoicePartsError
from ..configuration.description import VoiceConfiguration
from ..cost import Piece, check_length
from ..messages import LENGTH_SCALES, NOISE_SCALES, VOLUMES, SpeechOptions
from ..report import Mode, SplitReport
from ..schedule import Schedule
from ..sessions.level import peak_gain, to_pcm
from ..sessions.room import ROOM
from ..sessions.session import SessionSettings, open_model, run
from .noise import Noise
from .parts import Parts, Scales, SentenceSettings, Utterance, front_feed
from .phonemes import Phonemes, read_config

Pcm = NDArray[np.int16]

_Sentence = tuple[list[int], SentenceSettings]
"""Phoneme ids, and how they are spoken."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of audio that can be computed now, by any thread."""

    compute: Callable[[], Pcm]
    """Returns the audio; raises SynthesisError when the model fails."""
    left: int
    """Chunks that are known to follow; after one with 0 there is none."""


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

    def chunks(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Chunk, None, int | None]:
        """Yield the chunks of `text`, its phrases in order, which together are its mono audio.

        The phrases before `from_phrase` are left out, and `from_sample` samples of what follows. A
        text that costs too much to be spoken at once is spoken in part; the generator returns the
        phrase to continue from. The bytes depend on the voice, `text`, `options` and `schedule`
        alone, whatever else is computed meanwhile. Text without a known phoneme gives no audio.
        What comes before the chunks of a phrase is computed when its first one is asked for.

        Raises:
            SpeakerNotFoundError: the voice has no such speaker; raised at the call.
            BadRequestError: a setting is out of range; raised at the call.
            PhonemesError: the text cannot be read; raised at the first chunk.
            SynthesisError: the text costs too much, or the model fails; raised at any chunk.
        """
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
    `threads` is how many processors the encoder may use. It never changes the audio.

    Raises:
        VoicePartsError: the report is missing, damaged or of another format, or the stock model is
            not the one that the parts were made for.
        VoiceModelError: a part cannot be loaded.
        VoiceConfigError: the voice's configuration cannot be used.
    """
    settings = settings or SessionSettings(threads=threads, spin_microseconds=SPIN_MICROSECONDS)
    report = SplitReport.read(folder)
    described = read_config(config).within(symbols=report.symbols, speakers=report.speakers)
    _require_stock(report, weights or folder)
    if report.mode is Mode.WHOLE:
        session = open_model(folder / report.front, settings, weights)
        return WholeVoice(session, report, described)
    return SplitVoice(Parts(folder, report, settings, weights), described)


class SplitVoice:
    """Streams each sentence in chunks."""

    def __init__(self, parts: Parts, config: VoiceConfiguration) -> None:
        self._parts = parts
        self._report = parts.report
        self._phonemes = Phonemes(config)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._report.sample_rate

    def chunks(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Chunk, None, int | None]:
        """As `Voice.chunks`."""
        resolved = resolve(options, self._phonemes.config)
        gain = self._report.gain * options.volume
        return self._chunks(text, resolved, gain, schedule, skip=from_sample, first=from_phrase)

    def _chunks(
        self,
        text: str,
        resolved: tuple[int, Scales],
        gain: float,
        schedule: Schedule,
        *,
        skip: int,
        first: int,
    ) -> Generator[Chunk, None, int | None]:
        hop = self._report.hop_length
        piece = self._phonemes.piece(text, first, resolved[1].length)
        later = len(piece.phrases)  # each has one chunk at least
        for ids, settings in _sentences(self._report, piece, text, *resolved):
            later -= 1
            with ROOM.taken(len(ids)):
                utterance = self._parts.utter(ids, settings)
            check_length(utterance.frames * hop / self.sample_rate, ids, settings.scales.length)
            # The schedule cuts the whole sentence even where its beginning is left out: the same
            # borders give the same last bits, and so the same bytes.
            spans = [span for span in schedule.chunks(utterance.frames) if span[1] * hop > skip]
            for left, span in zip(reversed(range(len(spans))), spans, strict=True):
                drop = max(0, skip - span[0] * hop)
                compute = partial(self._decoded, utterance, span, settings.speaker, gain, drop)
                yield Chunk(compute, left + later)
            skip = max(0, skip - utterance.frames * hop)
        return piece.rest

    def _decoded(
        self, utterance: Utterance, span: tuple[int, int], speaker: int, gain: float, drop: int
    ) -> Pcm:
        return to_pcm(self._parts.decode(utterance, *span, speaker), gain)[drop:]


class WholeVoice:
    """Speaks a sentence at a time with the whole model, its noise given where the graph allows."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        report: SplitReport,
        config: VoiceConfiguration,
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

    def chunks(
        self,
        text: str,
        options: SpeechOptions,
        schedule: Schedule,  # noqa: ARG002 - the interface has it; here nothing is cut
        from_sample: int = 0,
        from_phrase: int = 0,
    ) -> Generator[Chunk, None, int | None]:
        """As `Voice.chunks`, a sentence each, whatever the schedule."""
        resolved = resolve(options, self._phonemes.config)
        return self._sentences(text, resolved, options.volume, from_sample, from_phrase)

    def _sentences(
        self, text: str, resolved: tuple[int, Scales], volume: float, skip: int, first: int
    ) -> Generator[Chunk, None, int | None]:
        piece = self._phonemes.piece(text, first, resolved[1].length)
        yield from whole_sentences(
            [
                partial(self._spoken, ids, settings, volume)
                for ids, settings in _sentences(self._report, piece, text, *resolved)
            ],
            skip,
        )
        return piece.rest

    def _spoken(self, ids: list[int], settings: SentenceSettings, volume: float) -> Pcm:
        with ROOM.taken():
            audio = run(self._session, front_feed(self._report, ids, settings))[0]
        check_length(audio.size / self.sample_rate, ids, settings.scales.length)
        gain = peak_gain(audio) if self._by_peak else self._report.gain
        return to_pcm(audio.ravel(), gain * volume)


def whole_sentences(spoken: Iterable[Callable[[], Pcm]], skip: int) -> Iterator[Chunk]:
    """Yield a chunk for each sentence, without the first `skip` samples of them together.

    As long as something is left out the sentences are computed here: their lengths are not known
    before.
    """
    sentences = list(spoken)
    for left, compute in zip(reversed(range(len(sentences))), sentences, strict=True):
        if not skip:
            yield Chunk(compute, left)
            continue
        pcm = compute()
        rest, skip = pcm[skip:], max(0, skip - pcm.size)
        if rest.size:
            yield Chunk(partial(_computed, rest), left)


def _computed(pcm: Pcm) -> Pcm:
    return pcm


def resolve(options: SpeechOptions, config: VoiceConfiguration) -> tuple[int, Scales]:
    """(speaker id, scales) with the voice's own values filled in.

    Raises:
        SpeakerNotFoundError: the voice has no such speaker.
        BadRequestError: a value makes no sense.
    """
    speaker = config.default_speaker if options.speaker_id is None else options.speaker_id
    if not 0 <= speaker < config.number_of_speakers:
        raise SpeakerNotFoundError(
            f"speaker {speaker} does not exist; the voice has {config.number_of_speakers}"
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

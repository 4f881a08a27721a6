"""Running the prepared parts of a voice: phoneme ids to frames, any window of frames to audio.

A frame is what the model speaks at once, `SplitReport.hop_length` samples. The parts after the
encoder are convolutions, so that a frame depends on its neighbours only. To compute some frames
exactly, a part is given a margin of context on both sides, whose own output is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...errors import VoicePartsError
from ..cost import MAX_PHONEME_SECONDS, MAX_UNSPLIT_NOISE_W, slowness
from ..report import Mode, Part, SplitReport, Trim
from ..sessions.session import AS_SAVED, SessionSettings, open_model, run
from .noise import Noise

Floats = NDArray[np.float32]

_KEEP: Final = "keep"
_LONG_NOISE: Final = 262_139
"""Noise for a front whose shapes are not known before it ran.

It repeats after that many numbers: a prime, so that it never falls in step with the channels.
"""
_DURATION_NOISE: Final = 4
"""Noise for a phoneme id, of which the duration predictor uses two."""


@dataclass(frozen=True, slots=True)
class Scales:
    """Settings that shape an utterance besides its phonemes."""

    noise: float
    length: float
    noise_w: float

    def array(self) -> Floats:
        """[3] numbers in the order of a Piper model's input ``scales``."""
        return np.array([self.noise, self.length, self.noise_w], np.float32)


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """Settings of one sentence, once and for all."""

    scales: Scales
    speaker: int
    noise: Noise


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of a sentence, and the frames around them that are computed with them."""

    start: int
    stop: int
    low: int
    """First frame of the context; at most `start`."""
    high: int
    """The frame after the context's last; at least `stop`."""

    @classmethod
    def within(cls, frames: int, start: int, stop: int, margin: int) -> Span:
        """`start` to `stop` with `margin` on both sides, in a sentence of `frames`."""
        return cls(start, stop, max(0, start - margin), min(frames, stop + margin))


class Utterance(Protocol):
    """A sentence before the decoder."""

    @property
    def frames(self) -> int:
        """Its length."""
        ...

    def latent(self, start: int, stop: int) -> Floats:
        """[1, channels, stop - start] for any range of frames, whatever was asked before."""
        ...


@dataclass(frozen=True, slots=True)
class PartFiles:
    """The parts of a voice in mode ``split`` or ``decoder``, and how their sessions are made.

    Of `settings`, the threads are the front's; the other parts run on one each, because there
    several chunks are computed side by side.
    """

    folder: Path
    report: SplitReport
    settings: SessionSettings
    weights: Path | None = None
    """Folder of the stock model, where that does not lie beside the parts."""

    def open_front(self) -> Front:
        """Open what comes before the decoder.

        Raises:
            VoiceModelError: a part cannot be loaded.
        """
        saved = replace(self.settings, level=AS_SAVED)
        front = open_model(self.folder / self.report.front, saved, self.weights)
        flow = self.report.flow
        return Front(self.report, front, None if flow is None else self._open(flow, 1, AS_SAVED))

    def open_decoder(self) -> Decoder:
        """Open the decoder.

        Raises:
            VoicePartsError: the report does not fit the mode.
            VoiceModelError: it cannot be loaded.
        """
        report = self.report
        if report.decoder is None or (report.mode is Mode.SPLIT) != (report.flow is not None):
            raise VoicePartsError(
                f"the report does not name the parts that mode {report.mode} needs"
            )
        return Decoder(self._open(report.decoder, report.hop_length, self.settings.level))

    def _open(self, part: Part, hop: int, level: onnxruntime.GraphOptimizationLevel) -> _Window:
        single = replace(self.settings, threads=1, spin_microseconds=0, level=level)
        return _Window(part, hop, open_model(self.folder / part.file, single, self.weights))


class Front:
    """Open sessions of what comes before the decoder: encoder and flow, or both in one."""

    def __init__(
        self, report: SplitReport, front: onnxruntime.InferenceSession, flow: _Window | None
    ) -> None:
        self._report = report
        self._front = front
        self._flow = flow

    def utter(self, ids: list[int], settings: SentenceSettings) -> Utterance:
        """Run the front: how long each phoneme lasts and what is known of every frame."""
        outputs = run(self._front, front_feed(self._report, ids, settings))
        if self._flow is None:
            return _Latent(outputs[0])
        durations, mean, deviation = outputs
        seconds = MAX_PHONEME_SECONDS * slowness(settings.scales.length)
        longest = np.float32(seconds * self._report.sample_rate // self._report.hop_length)
        return _Prior(self._flow, settings, np.fmin(durations, longest), mean, deviation)


class Decoder:
    """An open session of the decoder."""

    def __init__(self, window: _Window) -> None:
        self.window = window

    def span(self, utterance: Utterance, start: int, stop: int) -> Span:
        """Return the frames from `start` up to `stop` with the context that the decoder needs."""
        return Span.within(utterance.frames, start, stop, self.window.margin)

    def decode(self, utterance: Utterance, start: int, stop: int, speaker: int) -> Floats:
        """[(stop - start) * hop_length] samples of the frames from `start` up to `stop`.

        The same values whatever the window, up to the last bits of rounding.
        """
        span = self.span(utterance, start, stop)
        return self.window.run(utterance.latent(span.low, span.high), span, speaker).ravel()


class Parts:
    """The open sessions of a prepared voice in mode ``split`` or ``decoder``.

    Safe to use from several threads.
    """

    def __init__(
        self,
        folder: Path,
        report: SplitReport,
        settings: SessionSettings,
        weights: Path | None = None,
    ) -> None:
        """Open the parts in `folder`; see `PartFiles`.

        Raises:
            VoicePartsError: the report does not fit the mode.
            VoiceModelError: a part cannot be loaded.
        """
        self.report = report
        files = PartFiles(folder, report, settings, weights)
        self._decoder = files.open_decoder()
        self._front = files.open_front()

    def utter(self, ids: list[int], settings: SentenceSettings) -> Utterance:
        """Run the front: how long each phoneme lasts and what is known of every frame."""
        return self._front.utter(ids, settings)

    def decode(self, utterance: Utterance, start: int, stop: int, speaker: int) -> Floats:
        """As `Decoder.decode`."""
        return self._decoder.decode(utterance, start, stop, speaker)


def front_feed(
    report: SplitReport, ids: list[int], settings: SentenceSettings
) -> dict[str, NDArray[np.generic]]:
    """Return the inputs of a voice's front, by name."""
    split, scales = report.mode is Mode.SPLIT, settings.scales
    length = _DURATION_NOISE * len(ids) if split else _LONG_NOISE
    if not split:  # nobody sees its durations before all of it is made
        scales = replace(scales, noise_w=min(scales.noise_w, MAX_UNSPLIT_NOISE_W))
    feed: dict[str, NDArray[np.generic]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": scales.array(),
    }
    for index, name in enumerate(report.front_noise):
        feed[name] = settings.noise.front(index, length)
    if report.front_speaker:
        feed["sid"] = np.array([settings.speaker], np.int64)
    return feed


def keep(trims: tuple[Trim, ...], hop: int, span: Span) -> tuple[NDArray[np.int64], int]:
    """(borders to keep at each trim, samples before `span.start` in the output).

    The first layers need the whole margin, the last ones hardly any; carrying all of it to the end
    would be most of a small window's work. So each trim drops the samples that no later layer reads
    for the frames asked for, which stay exact. Near a cut edge a layer's output is wrong, because
    it pads with zeros where the sentence goes on; the margin that is left is as wide as that error
    can still spread. Where the window begins or ends with the sentence the edge stays: padding is
    right there.
    """
    rate, low, high = 1, span.low, span.high
    borders: list[int] = []
    for trim in trims:
        factor = trim.rate // rate
        low, high, rate = low * factor, high * factor, trim.rate
        first = max(low, span.start * rate - trim.margin)
        last = min(high, span.stop * rate + trim.margin)
        borders += [first - low, last - low]
        low, high = first, last
    return np.array(borders, np.int64), span.start * hop - low * hop // rate


class _Window:
    """A convolutional part in its session."""

    def __init__(self, part: Part, hop: int, session: onnxruntime.InferenceSession) -> None:
        self.margin = part.margin
        self._part = part
        self._hop = hop
        self._session = session
        self._source = self._session.get_inputs()[0].name

    def run(self, data: Floats, span: Span, speaker: int) -> Floats:
        """Return the output for `span` alone, from `data` with context; time is the last axis."""
        borders, offset = keep(self._part.trims, self._hop, span)
        feed: dict[str, NDArray[np.generic]] = {self._source: data}
        if self._part.trims:
            feed[_KEEP] = borders
        if self._part.speaker:
            feed["sid"] = np.array([speaker], np.int64)
        return run(self._session, feed)[0][
            ..., offset : offset + (span.stop - span.start) * self._hop
        ]


class _Latent:
    """An utterance whose flow has already run."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    @property
    def frames(self) -> int:
        return int(self._values.shape[2])

    def latent(self, start: int, stop: int) -> Floats:
        return self._values[:, :, start:stop]


class _Prior:
    """An utterance as phonemes with durations; flow runs over the frames that are asked for."""

    def __init__(
        self,
        flow: _Window,
        settings: SentenceSettings,
        durations: Floats,
        mean: Floats,
        deviation: Floats,
    ) -> None:
        counts = durations.ravel().astype(np.int64)
        self._phonemes = np.repeat(np.arange(counts.size), counts)
        self._mean, self._deviation = mean[0], deviation[0]
        if not self._phonemes.size:  # the model speaks at least one frame, of an empty prior
            self._phonemes = np.zeros(1, np.int64)
            self._mean, self._deviation = np.zeros_like(mean[0]), np.ones_like(deviation[0])
        self._flow = flow
        self._scale = np.float32(settings.scales.noise)
        self._settings = settings

    @property
    def frames(self) -> int:
        return int(self._phonemes.size)

    def latent(self, start: int, stop: int) -> Floats:
        span = Span.within(self.frames, start, stop, self._flow.margin)
        return self._flow.run(self._prior(span.low, span.high), span, self._settings.speaker)

    def _prior(self, start: int, stop: int) -> Floats:
        phonemes = self._phonemes[start:stop]
        prior: Floats = self._mean[:, phonemes]
        if self._scale != 0:
            prior = (
                prior
                + self._settings.noise.frames(start, stop, prior.shape[0])
                * self._deviation[:, phonemes]
                * self._scale
            )
        return prior[np.newaxis]

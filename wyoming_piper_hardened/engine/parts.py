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
from numpy.typing import NDArray

from ..errors import VoicePartsError
from .cost import MAX_PHONEME_SECONDS, slowness
from .noise import Noise
from .report import Mode, Part, SplitReport, Trim
from .session import AS_SAVED, SessionSettings, open_model, run

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
    """What shapes an utterance besides its phonemes."""

    noise: float
    length: float
    noise_w: float

    def array(self) -> Floats:
        """[3] numbers in the order of a Piper model's input ``scales``."""
        return np.array([self.noise, self.length, self.noise_w], np.float32)


@dataclass(frozen=True, slots=True)
class Take:
    """How a sentence is spoken, once and for all."""

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


class Parts:
    """The open sessions of a prepared voice in mode ``split`` or ``decoder``.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path, report: SplitReport, front: SessionSettings) -> None:
        """Open the parts in `folder`.

        `front` may use several threads; the other parts run on one each, because there several
        chunks are computed side by side.

        Raises:
            VoicePartsError: the report does not fit the mode.
            VoiceModelError: a part cannot be loaded.
        """
        if report.decoder is None or (report.mode is Mode.SPLIT) != (report.flow is not None):
            raise VoicePartsError(
                f"the report does not name the parts that mode {report.mode} needs"
            )
        self.report = report
        self._front = open_model(folder / report.front, replace(front, level=AS_SAVED))
        self._flow = (
            None
            if report.flow is None
            else _Window(folder, report.flow, 1, SessionSettings(level=AS_SAVED))
        )
        self._decoder = _Window(folder, report.decoder, report.hop_length, SessionSettings())

    def utter(self, ids: list[int], take: Take) -> Utterance:
        """Run the front: how long each phoneme lasts and what is known of every frame."""
        outputs = run(self._front, front_feed(self.report, ids, take))
        if self._flow is None:
            return _Latent(outputs[0])
        durations, mean, deviation = outputs
        seconds = MAX_PHONEME_SECONDS * slowness(take.scales.length)
        longest = np.float32(seconds * self.report.sample_rate // self.report.hop_length)
        return _Prior(self._flow, take, np.fmin(durations, longest), mean, deviation)

    def decode(self, utterance: Utterance, start: int, stop: int, speaker: int) -> Floats:
        """[(stop - start) * hop_length] samples of the frames from `start` up to `stop`.

        The same values whatever the window, up to the last bits of rounding.
        """
        span = Span.within(utterance.frames, start, stop, self._decoder.margin)
        return self._decoder.run(utterance.latent(span.low, span.high), span, speaker).ravel()


def front_feed(report: SplitReport, ids: list[int], take: Take) -> dict[str, NDArray[np.generic]]:
    """Inputs of a voice's front, by name."""
    length = _DURATION_NOISE * len(ids) if report.mode is Mode.SPLIT else _LONG_NOISE
    feed: dict[str, NDArray[np.generic]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": take.scales.array(),
    }
    for index, name in enumerate(report.front_noise):
        feed[name] = take.noise.front(index, length)
    if report.front_speaker:
        feed["sid"] = np.array([take.speaker], np.int64)
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

    def __init__(self, folder: Path, part: Part, hop: int, settings: SessionSettings) -> None:
        self.margin = part.margin
        self._part = part
        self._hop = hop
        self._session = open_model(folder / part.file, settings)
        self._source = self._session.get_inputs()[0].name

    def run(self, data: Floats, span: Span, speaker: int) -> Floats:
        """The output for `span` alone, from `data` with its context; time is the last axis."""
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
        take: Take,
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
        self._scale = np.float32(take.scales.noise)
        self._take = take

    @property
    def frames(self) -> int:
        return int(self._phonemes.size)

    def latent(self, start: int, stop: int) -> Floats:
        span = Span.within(self.frames, start, stop, self._flow.margin)
        return self._flow.run(self._prior(span.low, span.high), span, self._take.speaker)

    def _prior(self, start: int, stop: int) -> Floats:
        phonemes = self._phonemes[start:stop]
        prior: Floats = self._mean[:, phonemes]
        if self._scale != 0:
            prior = (
                prior
                + self._take.noise.frames(start, stop, prior.shape[0])
                * self._deviation[:, phonemes]
                * self._scale
            )
        return prior[np.newaxis]

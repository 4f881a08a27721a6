"""From measurements to statistics; pure. A ratio is this server's value over the incumbent's."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .results import Answer, FirstStart, Load, Memory, Pair, Results, Side
from .texts import MEMORY_SENTENCES, Group

_Run = TypeVar("_Run")


@dataclass(frozen=True, slots=True)
class Spread:
    """The lowest, the middle and the highest of some values."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """`None` when there are no values."""
        known = list(values)
        return cls(min(known), statistics.median(known), max(known)) if known else None


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of an answer."""

    title: str
    unit: str
    scale: float  # from the stored unit to the one that is shown
    digits: int
    value: Callable[[Answer], float]


FIRST_AUDIO = Measure("First audio", "ms", 1000, 0, lambda answer: answer.first_audio)
TOTAL = Measure("Total time", "ms", 1000, 0, lambda answer: answer.total)
TOTAL_PER_AUDIO = Measure(
    "Total time per second of audio", "ms", 1000, 1, lambda answer: answer.total / answer.audio
)
CPU_PER_AUDIO = Measure(
    "Processor time per second of audio", "ms", 1000, 1, lambda answer: answer.cpu / answer.audio
)
AUDIO = Measure("Length of the audio", "s", 1, 2, lambda answer: answer.audio)
MEASURES = (FIRST_AUDIO, TOTAL, TOTAL_PER_AUDIO, CPU_PER_AUDIO, AUDIO)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value of both servers: each on its own, and pair by pair."""

    label: str
    count: int
    incumbent: Spread
    ours: Spread
    ratio: Spread


def compared(label: str, values: Iterable[tuple[float | None, float | None]]) -> Comparison | None:
    """Compare pairs of (incumbent, ours); incomplete pairs are left out, `None` if none remain."""
    known = [(theirs, own) for theirs, own in values if theirs and own is not None]
    incumbent = Spread.of(theirs for theirs, _ in known)
    ours = Spread.of(own for _, own in known)
    ratio = Spread.of(own / theirs for theirs, own in known)
    if incumbent is None or ours is None or ratio is None:
        return None
    return Comparison(label, len(known), incumbent, ours, ratio)


def speed(
    results: Results, measure: Measure, groups: Sequence[Group], label: str = ""
) -> Comparison | None:
    """Compare `measure` over every pair of `groups`."""
    return compared(
        label or ", ".join(groups),
        (_values(pair, measure) for pair in results.pairs if pair.group in groups),
    )


def speed_by_text(results: Results, measure: Measure, group: Group) -> list[Comparison]:
    """Compare `measure` for each text of `group` on its own, in order of length."""
    pairs = sorted(
        (pair for pair in results.pairs if pair.group is group), key=lambda pair: pair.characters
    )
    texts = list(dict.fromkeys(pair.text for pair in pairs))
    rows = (
        compared(text, (_values(pair, measure) for pair in pairs if pair.text == text))
        for text in texts
    )
    return [row for row in rows if row]


def memory(results: Results, characters: int, value: Callable[[Memory], int]) -> Comparison | None:
    """Compare memory after or while speaking a sentence of so many characters, in bytes."""
    runs = [run for run in results.memory if run.characters == characters]
    return compared(str(characters), _in_order(runs, lambda run: run.side, value))


def first_start(results: Results, value: Callable[[FirstStart], float]) -> Comparison | None:
    """Compare the first starts."""
    return compared("first start", _in_order(results.first_starts, lambda run: run.side, value))


def load(
    results: Results,
    label: str,
    incumbent: Callable[[Load], float],
    ours: Callable[[Load], float | None],
) -> Comparison | None:
    """Compare starts, in seconds."""

    def value(run: Load) -> float | None:
        return incumbent(run) if run.side is Side.INCUMBENT else ours(run)

    return compared(label, _in_order(results.load, lambda run: run.side, value))


def load_comparisons(results: Results) -> list[Comparison]:
    """Compare first speech, server ready (both from outside), and our engine process alone."""
    rows = (
        load(results, "first speech", lambda run: run.first_speech, lambda run: run.first_speech),
        load(results, "server ready", lambda run: run.ready, lambda run: run.ready),
        child_ready(results),
    )
    return [row for row in rows if row]


def child_ready(results: Results) -> Comparison | None:
    """From start to ready: our engine process against the incumbent's only process."""
    return load(results, "engine process ready", lambda run: run.ready, lambda run: run.engine)


def memory_lengths() -> list[int]:
    """Return the lengths of sentences for which memory is measured."""
    return [len(words) for words in MEMORY_SENTENCES]


def _values(pair: Pair, measure: Measure) -> tuple[float | None, float | None]:
    return (
        None if pair.incumbent is None else measure.value(pair.incumbent),
        None if pair.ours is None else measure.value(pair.ours),
    )


def _in_order(
    runs: Sequence[_Run],
    side: Callable[[_Run], Side],
    value: Callable[[_Run], float | None],
) -> list[tuple[float | None, float | None]]:
    """Pair the first run of one with the first of the other, and so on."""
    incumbent = [value(run) for run in runs if side(run) is Side.INCUMBENT]
    ours = [value(run) for run in runs if side(run) is Side.OURS]
    return list(zip(incumbent, ours, strict=False))

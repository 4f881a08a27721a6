"""Targets, and a verdict on each for this run; pure. Medians decide."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import crowd, summary
from .results import Memory, Results, Side, Told
from .summary import CPU_PER_AUDIO, FIRST_AUDIO, TOTAL, Comparison, Measure
from .texts import SENTENCE_GROUPS, Group

TIMES = "\N{MULTIPLICATION SIGN}"

_EARLIER_MEDIUM = 4.0
_EARLIER_SHORT = 2.0
_FIRST_AUDIO = 0.150
_TOTAL, _TOTAL_TINY, _TOTAL_SEVERAL = 1.05, 1.1, 1.0
_CPU = 1.1
_MEMORY = 0.7
_FLAT = 1.05  # what "flat" may still grow from 300 to 500 characters
_READY = 0.6
_CROWD_LAST = 0.7
_CROWD_EARLIER = 5.0
_CROWD_DRY = 0.2
_EARLIER_WRITTEN = 2.5
_TEXT_MEDIAN, _TEXT_P99 = 100e-6, 250e-6
_DELAY = 2
_FIRST_THROUGHPUT = 0.9
_FIRST_PEAK = 350
_PREPARATION = 260
_PARTS = 2
_SLOWDOWN = 1.1
_LONG_PEAK = 300
_LONG_FIRST = 150


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str  # as it follows a number
    size: float  # in the unit of what was measured


_MEBIBYTES, _MEGABYTES = _Unit(" MiB", 1 << 20), _Unit(" MB", 1e6)
_MILLISECONDS, _TIMES = _Unit(" ms", 1e-3), _Unit(TIMES, 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target; `reached` is `None` where nothing was measured."""

    target: str
    value: str
    reached: bool | None


def verdicts(results: Results) -> list[Verdict]:
    """Judge every target, in the order in which they were set."""
    return [
        _earlier(results, Group.MEDIUM, _EARLIER_MEDIUM),
        _earlier(results, Group.SHORT, _EARLIER_SHORT),
        _never_later(results),
        _first_audio(results),
        _at_most(results, TOTAL, _TOTAL),
        _total(results, Group.TINY, _TOTAL_TINY),
        _total(results, Group.SEVERAL, _TOTAL_SEVERAL),
        _at_most(results, CPU_PER_AUDIO, _CPU),
        _memory(results),
        _flat(results),
        _ready(results),
        *(_crowd_last(results, told) for told in Told),
        *(_crowd_earlier(results, told) for told in Told),
        _crowd_dry(results),
        _earlier(results, Group.WRITTEN, _EARLIER_WRITTEN),
        _text_stage(results),
        _most(
            "first audio at most {limit} later than without treatment of the text",
            _DELAY,
            _MILLISECONDS,
            results.delays,
        ),
        _first_throughput(results),
        _most(
            "first start: memory at most {limit}",
            _FIRST_PEAK,
            _MEBIBYTES,
            [run.peak for run in results.first_starts if run.side is Side.OURS],
        ),
        _first_equal(results),
        _most(
            "preparing a voice takes at most {limit}",
            _PREPARATION,
            _MEBIBYTES,
            [run.peak for run in results.preparations],
        ),
        _most(
            "a prepared voice takes at most {limit} more than its stock files",
            _PARTS,
            _MEGABYTES,
            [run.parts for run in results.preparations],
        ),
        _most(
            "a sentence takes at most {limit} as long while a voice is prepared",
            _SLOWDOWN,
            _TIMES,
            results.slowdowns_by_server + results.slowdowns_by_command,
        ),
        _most(
            "a long text without a full stop takes at most {limit}",
            _LONG_PEAK,
            _MEBIBYTES,
            [run.peak for run in results.long_texts],
        ),
        _most(
            "its first audio comes after at most {limit}",
            _LONG_FIRST,
            _MILLISECONDS,
            [run.answer.first_audio for run in results.long_texts],
        ),
    ]


def _earlier(results: Results, group: Group, times: float) -> Verdict:
    row = summary.speed(results, FIRST_AUDIO, [group])
    texts = "text written at" if group is Group.WRITTEN else "sentences of"
    unit = "" if group is Group.WRITTEN else " characters"
    return _verdict(
        f"first audio at least {times:g}{TIMES} earlier, {texts} {group}{unit}",
        row,
        lambda row: f"{1 / row.ratio.median:.2f}{TIMES} earlier",
        lambda row: row.ratio.median <= 1 / times,
    )


def _never_later(results: Results) -> Verdict:
    rows = summary.speed_by_text(results, FIRST_AUDIO, Group.TINY)
    slowest = max(rows, key=lambda row: row.ratio.median, default=None)
    return _verdict(
        f"first audio never later, every text of {Group.TINY} characters",
        slowest,
        lambda row: f"{row.ratio.median:.2f}{TIMES} for the slowest, {row.label}",
        lambda row: row.ratio.median <= 1,
    )


def _first_audio(results: Results) -> Verdict:
    row = summary.speed(results, FIRST_AUDIO, SENTENCE_GROUPS)
    groups = _each_group(results, FIRST_AUDIO, lambda row: f"{row.ours.median * 1000:.0f}")
    return _verdict(
        f"first audio after at most {_FIRST_AUDIO * 1000:.0f} ms, all sentences",
        row,
        lambda row: f"{row.ours.median * 1000:.0f} ms (by length: {groups})",
        lambda row: row.ours.median <= _FIRST_AUDIO,
    )


def _at_most(results: Results, measure: Measure, limit: float) -> Verdict:
    row = summary.speed(results, measure, SENTENCE_GROUPS)
    groups = _each_group(results, measure, lambda row: f"{row.ratio.median:.2f}")
    return _verdict(
        f"{measure.title[0].lower()}{measure.title[1:]} at most {limit:g}{TIMES}, all sentences",
        row,
        lambda row: f"{row.ratio.median:.2f}{TIMES} (by length: {groups})",
        lambda row: row.ratio.median <= limit,
    )


def _total(results: Results, group: Group, limit: float) -> Verdict:
    texts = group if group is Group.SEVERAL else f"sentences of {group} characters"
    return _verdict(
        f"total time at most {limit:g}{TIMES}, {texts}",
        summary.speed(results, TOTAL, [group]),
        lambda row: f"{row.ratio.median:.2f}{TIMES}",
        lambda row: row.ratio.median <= limit,
    )


def _memory(results: Results) -> Verdict:
    return _verdict(
        f"peak memory at most {_MEMORY:g}{TIMES}, a sentence of 300 characters",
        summary.memory(results, 300, _peak),
        lambda row: f"{row.ratio.median:.2f}{TIMES}",
        lambda row: row.ratio.median <= _MEMORY,
    )


def _flat(results: Results) -> Verdict:
    shorter, longer = (summary.memory(results, length, _peak) for length in (300, 500))
    growth = longer.ours.median / shorter.ours.median if shorter and longer else 0.0
    return _verdict(
        f"peak memory flat from 300 to 500 characters (at most {_FLAT:g}{TIMES})",
        shorter and longer,
        lambda _: f"{growth:.2f}{TIMES}",
        lambda _: growth <= _FLAT,
    )


def _ready(results: Results) -> Verdict:
    return _verdict(
        f"engine process ready in at most {_READY:g}{TIMES} of the incumbent's load time",
        summary.child_ready(results),
        lambda row: f"{row.ratio.median:.2f}{TIMES} ({row.ours.median:.2f} s)",
        lambda row: row.ratio.median <= _READY,
    )


def _crowd_last(results: Results, told: Told) -> Verdict:
    return _verdict(
        f"of 8 listeners, {told}, the last one hears something within {_CROWD_LAST:g} s",
        crowd.row(results, crowd.MEASURES[1], told, 8),
        lambda row: f"{row.ours.median:.2f} s",
        lambda row: row.ours.median <= _CROWD_LAST,
    )


def _crowd_earlier(results: Results, told: Told) -> Verdict:
    return _verdict(
        f"of 8 listeners, {told}, the last one hears something {_CROWD_EARLIER:g}{TIMES} earlier",
        crowd.row(results, crowd.MEASURES[1], told, 8),
        lambda row: f"{1 / row.ratio.median:.1f}{TIMES} earlier",
        lambda row: row.ratio.median <= 1 / _CROWD_EARLIER,
    )


def _crowd_dry(results: Results) -> Verdict:
    target = f"of 16 listeners nobody runs dry for more than {_CROWD_DRY:g} s"
    if 16 not in crowd.sizes_of(results):  # noqa: PLR2004 - as it says
        return Verdict(target, "not measured", None)
    longest = crowd.spread(results, Side.OURS, 16, crowd.longest_dry)
    return Verdict(target, f"{longest.median:.2f} s", longest.median <= _CROWD_DRY)


def _text_stage(results: Results) -> Verdict:
    target = (
        f"a segment of 100 characters prepared in {_TEXT_MEDIAN * 1e6:.0f} µs, "
        f"99 of 100 in {_TEXT_P99 * 1e6:.0f} µs"
    )
    if (text := results.text) is None:
        return Verdict(target, "not measured", None)
    value = f"{text.median * 1e6:.0f} µs, {text.p99 * 1e6:.0f} µs"
    return Verdict(target, value, text.median <= _TEXT_MEDIAN and text.p99 <= _TEXT_P99)


def _first_throughput(results: Results) -> Verdict:
    return _verdict(
        f"first start: at least {_FIRST_THROUGHPUT:g}{TIMES} as much audio a second",
        summary.first_start(results, lambda run: run.throughput),
        lambda row: f"{row.ratio.median:.2f}{TIMES}",
        lambda row: row.ratio.median >= _FIRST_THROUGHPUT,
    )


def _first_equal(results: Results) -> Verdict:
    target = "first start: the first request's samples are those of later ones"
    own = [run.equal for run in results.first_starts if run.side is Side.OURS]
    if not own:
        return Verdict(target, "not measured", None)
    return Verdict(target, f"{sum(own)} of {len(own)}", all(own))


def _most(target: str, limit: float, unit: _Unit, values: Sequence[float]) -> Verdict:
    """Judge the median of values, of which `limit` says how many units it may have."""
    target = target.format(limit=f"{limit:g}{unit.name}")
    if not values:
        return Verdict(target, "not measured", None)
    value = statistics.median(values) / unit.size
    return Verdict(target, f"{value:.3g}{unit.name}", value <= limit)


def _verdict(
    target: str,
    row: Comparison | None,
    show: Callable[[Comparison], str],
    reached: Callable[[Comparison], bool],
) -> Verdict:
    if row is None:
        return Verdict(target, "not measured", None)
    return Verdict(target, show(row), reached(row))


def _each_group(results: Results, measure: Measure, show: Callable[[Comparison], str]) -> str:
    rows: Iterable[Comparison | None] = (
        summary.speed(results, measure, [group]) for group in SENTENCE_GROUPS
    )
    return " / ".join(show(row) if row else "?" for row in rows)


def _peak(run: Memory) -> int:
    return run.peak

"""The table, as Markdown that reads well on a terminal too, and the raw results as JSON."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Sequence

from . import crowd, machine as machines, summary
from .machine import Machine
from .results import Memory, Results, Side, Told
from .summary import MEASURES, Comparison, Measure, Spread
from .targets import TIMES, Verdict, verdicts
from .texts import SENTENCE_GROUPS, Group

_MEBIBYTE = 1 << 20
_FAILURES_SHOWN = 20
_REACHED = {True: "reached", False: "**not reached**", None: "**not measured**"}
_HEADER = ("n", str(Side.INCUMBENT), str(Side.OURS), "ratio: min", "median", "max")


def markdown(results: Results, machine: Machine) -> str:
    """Return the whole report as Markdown."""
    sections = [
        _circumstances(machine, results),
        _targets(verdicts(results)),
        *(_speed(results, measure) for measure in MEASURES),
        _memory(results),
        _load(results),
        _first_start(results),
        _preparation(results),
        _long_text(results),
        *(_crowd(results, *one) for one in itertools.product(crowd.MEASURES, Told)),
        _dry(results),
        _failures(results),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def as_json(results: Results, machine: Machine) -> str:
    """Every single measurement, and the verdicts."""
    raw = {
        "machine": dataclasses.asdict(machine),
        "targets": [dataclasses.asdict(verdict) for verdict in verdicts(results)],
        "results": dataclasses.asdict(results),
    }
    return json.dumps(raw, indent=1) + "\n"


def _circumstances(machine: Machine, results: Results) -> str:
    lines = [
        f"# {Side.OURS} beside {Side.INCUMBENT}",
        "",
        f"- Date: {machine.date}",
        f"- Command: `{machine.command}`",
        f"- Machine: {machine.hardware}; load average before the run {machine.load_average:.2f}",
        *(
            f"- {side}: " + ", ".join(f"{name} {version}" for name, version in versions.items())
            for side, versions in machine.versions.items()
        ),
        f"- Requests: {results.requests}, failures: {len(results.failures)}",
        *(
            f"- **{name} differs between the two: this compares engines, not servers**"
            for name in machines.differences(machine)
        ),
        "",
        (
            f"A ratio is {Side.OURS} over {Side.INCUMBENT}, pair by pair: below 1 is less. The "
            "columns of the servers show median (min to max)."
        ),
    ]
    return "\n".join(lines)


def _targets(judged: Sequence[Verdict]) -> str:
    rows = [[verdict.target, verdict.value, _REACHED[verdict.reached]] for verdict in judged]
    return "## Targets\n\n" + _table(["target (medians)", "value", ""], rows)


def _speed(results: Results, measure: Measure) -> str:
    rows = [
        *(summary.speed(results, measure, [group]) for group in SENTENCE_GROUPS),
        summary.speed(results, measure, SENTENCE_GROUPS, "all sentences"),
        *(
            summary.speed(results, measure, [group])
            for group in (Group.SEVERAL, Group.STREAMED, Group.WRITTEN)
        ),
    ]

    def show(value: float) -> str:
        return f"{value * measure.scale:.{measure.digits}f}"

    return _section(f"{measure.title} ({measure.unit})", "characters", rows, show)


def _memory(results: Results) -> str:
    def loaded(run: Memory) -> int:
        return run.loaded

    def peak(run: Memory) -> int:
        return run.peak

    def loaded_anonymous(run: Memory) -> int:
        return run.loaded_anonymous

    def peak_anonymous(run: Memory) -> int:
        return run.peak_anonymous

    rows = []
    for label, value in (
        ("after a word", loaded),
        ("peak", peak),
        ("after a word, anonymous", loaded_anonymous),
        ("peak, anonymous", peak_anonymous),
    ):
        for characters in summary.memory_lengths():
            row = summary.memory(results, characters, value)
            rows.append(row and dataclasses.replace(row, label=f"{characters} characters, {label}"))
    title = "Memory of the whole process tree (PSS, MiB), each on a freshly started server"
    text = _section(title, "", rows, _mebibytes)
    return (
        f"{text}\n\n*Anonymous* is what no file stands behind: it cannot be dropped when memory is "
        "short."
    )


def _load(results: Results) -> str:
    text = _section(
        "Load: seconds from the start of the process",
        "until",
        summary.load_comparisons(results),
        lambda value: f"{value:.2f}",
    )
    return (
        f"{text}\n\n*First speech*: the first audio of a word that is asked for as soon as the "
        "port is open. *Server ready*: the same without the time that the word takes a warm "
        "server. *Engine process ready*: from the start of the process that loads the voice until "
        f"it can speak; for {Side.INCUMBENT}, which has one process, the same as *server ready*; "
        f"for {Side.OURS} its engine's own start, as `/api/status` reports it."
    )


def _first_start(results: Results) -> str:
    throughput = _section(
        "First start, empty data folder: five sentences at once after the port is open",
        "",
        [_labelled(summary.first_start(results, lambda run: run.throughput), "audio s / s")],
        lambda value: f"{value:.1f}",
    )
    peak = _labelled(summary.first_start(results, lambda run: run.peak), "peak memory, MiB")
    return f"{throughput}\n\n{_section('First start: memory', '', [peak], _mebibytes)}"


def _labelled(row: Comparison | None, label: str) -> Comparison | None:
    return row and dataclasses.replace(row, label=label)


def _preparation(results: Results) -> str:
    if not results.preparations:
        return ""
    values = (
        ("seconds", [run.seconds for run in results.preparations], lambda value: f"{value:.1f}"),
        ("peak memory, MiB", [run.peak for run in results.preparations], _mebibytes),
        (
            "on the disk beside the stock files, kB",
            [run.parts for run in results.preparations],
            _kilobytes,
        ),
        ("a sentence while its server prepares a voice", results.slowdowns_by_server, _times),
        ("a sentence while a command prepares one", results.slowdowns_by_command, _times),
    )
    rows = [
        [label, str(len(found)), _spread(spread, show)]
        for label, found, show in values
        if (spread := Spread.of(found)) is not None
    ]
    title = f"## Preparation of a voice by {Side.OURS}, once for a voice that is installed"
    return f"{title}\n\n" + _table(["", "n", "median (min to max)"], rows)


def _long_text(results: Results) -> str:
    rows = [
        [
            f"{run.characters} characters, {'as it is written' if run.streamed else 'at once'}",
            f"{run.answer.first_audio * 1000:.0f}",
            f"{run.answer.total:.1f}",
            f"{run.answer.audio:.0f}",
            _mebibytes(run.peak),
        ]
        for run in results.long_texts
    ]
    if not rows:
        return ""
    header = ["text", "first audio (ms)", "total (s)", "audio (s)", "peak memory (MiB)"]
    return f"## A text without a full stop, {Side.OURS}\n\n" + _table(header, rows)


def _times(value: float) -> str:
    return f"{value:.2f}{TIMES}"


def _mebibytes(value: float) -> str:
    return f"{value / _MEBIBYTE:.0f}"


def _kilobytes(value: float) -> str:
    return f"{value / 1000:.0f}"


def _crowd(results: Results, measured: crowd.CrowdMeasure, told: Told) -> str:
    title = f"Crowd: {measured.title} (s), listeners who ask at once and play in real time, {told}"
    rows = crowd.rows(results, measured, told)
    return _section(title, "listeners", rows, lambda value: f"{value:.2f}")


def _dry(results: Results) -> str:
    rows = []
    for size in crowd.sizes_of(results):
        cells = []
        for side in Side:
            count, most = crowd.dry(results, side, size)
            longest = crowd.spread(results, side, size, crowd.longest_dry).high
            cells.append(f"{count} of {most} (longest silence {longest:.2f} s)")
        rows.append([str(size), *cells])
    if not rows:
        return ""
    title = (
        f"## Crowd: listeners who ran dry for more than 0.1 s once they heard something, {Told.OWN}"
    )
    return f"{title}\n\n" + _table(["listeners", *(str(side) for side in Side)], rows)


def _failures(results: Results) -> str:
    if not results.failures:
        return "## Failures\n\nNone."
    counted = collections.Counter(
        (failure.side, failure.what, failure.reason) for failure in results.failures
    )
    rows = [
        [str(count), side, what, reason.replace("|", "\\|")]
        for (side, what, reason), count in counted.most_common(_FAILURES_SHOWN)
    ]
    table = _table(["count", "server", "what", "reason"], rows)
    rest = len(counted) - len(rows)
    more = f"\n\nand {rest} further kinds, see results.json" if rest else ""
    return (
        f"## Failures\n\n{len(results.failures)} in {results.requests} requests.\n\n{table}{more}"
    )


def _section(
    title: str, label: str, rows: Iterable[Comparison | None], show: Callable[[float], str]
) -> str:
    cells = [
        [
            row.label,
            str(row.count),
            _spread(row.incumbent, show),
            _spread(row.ours, show),
            *(f"{value:.2f}{TIMES}" for value in (row.ratio.low, row.ratio.median, row.ratio.high)),
        ]
        for row in rows
        if row
    ]
    return f"## {title}\n\n" + (_table([label, *_HEADER], cells) if cells else "Not measured.")


def _spread(spread: Spread, show: Callable[[float], str]) -> str:
    return f"{show(spread.median)} ({show(spread.low)} to {show(spread.high)})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the columns, so that the source is readable as well."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Iterable[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = line("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])

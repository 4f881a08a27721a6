"""The picture: first audio by length of the sentence, memory, and crowds, of both servers."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from . import crowd
from .machine import Machine
from .results import Pair, Results, Side, Told
from .summary import Spread
from .texts import SENTENCE_GROUPS

_COLOURS = {Side.INCUMBENT: "#c2571a", Side.OURS: "#1f6fb2"}
_MARKERS = {Side.INCUMBENT: "s", Side.OURS: "o"}
_MEBIBYTE = 1 << 20
_WIDEST = 520  # characters: the longest sentence and some air

Points = dict[int, Spread]
"""Values by characters, or by listeners."""


def draw(results: Results, machine: Machine, path: Path) -> None:
    """Write the chart as PNG."""
    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 11, "axes.titlesize": 12, "axes.titleweight": "bold"})
    figure = Figure(figsize=(15, 4.6), dpi=150, layout="constrained")
    speed, memory, crowds = figure.subplots(1, 3, width_ratios=[3, 2, 3])
    _panel(
        speed,
        "First audio after the request",
        "milliseconds",
        {side: _first_audio(results.pairs, side) for side in Side},
    )
    _panel(
        memory,
        "Peak memory, all processes",
        "MiB (PSS)",
        {side: _peak_memory(results, side) for side in Side},
    )
    memory.set_xticks(sorted({run.characters for run in results.memory}))
    for side in Side:
        _line(crowds, _last_first(results, side, Told.SAME), side, dashed=True)
    _panel(
        crowds,
        "First audio for the last of several listeners",
        "seconds; dashed: all are told the same",
        {side: _last_first(results, side, Told.OWN) for side in Side},
        label="listeners who ask at the same moment",
    )
    sizes = crowd.sizes_of(results) or crowd.SIZES
    crowds.set_xscale("log", base=2)
    crowds.set_xlim(0.9, 1.1 * max(sizes))
    crowds.set_xticks(sizes)
    crowds.xaxis.set_major_formatter(ScalarFormatter())
    figure.legend(*speed.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.supxlabel(
        f"median, the bars are min and max; {machine.hardware}; {machine.date}",
        fontsize=9,
        color="#555555",
    )
    figure.savefig(path, metadata={"Software": None})


def _panel(
    axes: Axes,
    title: str,
    unit: str,
    sides: dict[Side, Points],
    *,
    label: str = "characters of the sentence",
) -> None:
    for side, points in sides.items():
        _line(axes, points, side)
    axes.set_title(title, loc="left")
    axes.set_ylabel(unit)
    axes.set_xlabel(label)
    axes.set_xlim(0, _WIDEST)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _line(axes: Axes, points: Points, side: Side, *, dashed: bool = False) -> None:
    places = sorted(points)
    spreads = [points[place] for place in places]
    axes.errorbar(
        places,
        [spread.median for spread in spreads],
        yerr=[
            [spread.median - spread.low for spread in spreads],
            [spread.high - spread.median for spread in spreads],
        ],
        label=str(side),
        color=_COLOURS[side],
        marker=_MARKERS[side],
        markersize=5,
        linestyle="--" if dashed else "-",
        linewidth=1.6,
        elinewidth=0.9,
        capsize=2.5,
    )


def _first_audio(pairs: Sequence[Pair], side: Side) -> Points:
    values = collections.defaultdict(list)
    for pair in pairs:
        answer = pair.incumbent if side is Side.INCUMBENT else pair.ours
        if answer and pair.group in SENTENCE_GROUPS:
            values[pair.characters].append(answer.first_audio * 1000)
    return _spreads(values)


def _peak_memory(results: Results, side: Side) -> Points:
    values = collections.defaultdict(list)
    for run in results.memory:
        if run.side is side:
            values[run.characters].append(run.peak / _MEBIBYTE)
    return _spreads(values)


def _last_first(results: Results, side: Side, told: Told) -> Points:
    values = collections.defaultdict(list)
    for one in results.crowds:
        if (one.side, one.told) == (side, told):
            values[one.listeners].append(crowd.last_first(one))
    return _spreads(values)


def _spreads(values: dict[int, list[float]]) -> Points:
    return {length: spread for length, some in values.items() if (spread := Spread.of(some))}

# noqa: INP001 - a script for itself, not part of a package
"""Draws icon.png and logo.png: a shield around a speech bubble that holds a sound wave.

``python icons.py FOLDER``, or ``script/draw-icons``. Shapes are distances to their outline,
negative inside, so that edges are smooth; nothing but the standard library is needed.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, sin
from pathlib import Path

Shape = Callable[[float, float], float]
Colour = tuple[float, float, float]

NIGHT: Colour = (0.07, 0.22, 0.42)
SKY: Colour = (0.13, 0.55, 0.87)
PAPER: Colour = (1.0, 1.0, 1.0)
WAVE: Colour = (0.10, 0.40, 0.70)
INK: Colour = (0.20, 0.54, 0.82)
"""Of the logo's letters: readable on white and on black."""

WAVE_HEIGHTS = (0.32, 0.7, 1.0, 0.52, 0.8, 0.36)


@dataclass(frozen=True, slots=True)
class Layer:
    """A shape filled from `top` to `bottom`, over `height` units from `above`."""

    shape: Shape
    top: Colour
    bottom: Colour
    above: float = 0.0
    height: float = 1.0

    def colour(self, y: float) -> Colour:
        """The colour in a line."""
        part = min(max((y - self.above) / self.height, 0.0), 1.0)
        return (
            self.top[0] + part * (self.bottom[0] - self.top[0]),
            self.top[1] + part * (self.bottom[1] - self.top[1]),
            self.top[2] + part * (self.bottom[2] - self.top[2]),
        )


def main() -> None:
    """Write both pictures into the folder of the command line."""
    folder = Path(sys.argv[1])
    (folder / "icon.png").write_bytes(png(icon(0, 0), 128, 128))
    (folder / "logo.png").write_bytes(png(logo(), 604, 128))


def icon(left: float, top: float) -> list[Layer]:
    """The picture in a square of 128 units."""
    middle = left + 64
    layers = [
        Layer(shield(middle, top + 4, 54, 120), SKY, NIGHT, top, 128),
        Layer(bubble(middle, top + 51, 37, 25), PAPER, PAPER),
    ]
    for index, height in enumerate(WAVE_HEIGHTS):
        x = middle + (index - (len(WAVE_HEIGHTS) - 1) / 2) * 10.4
        half = 17 * height - 3.2
        bar = stroke([(x, top + 51 - half), (x, top + 51 + half)], 3.2)
        layers.append(Layer(bar, WAVE, WAVE))
    return layers


def logo() -> list[Layer]:
    """The icon, and the name beside it in round letters of one stroke."""
    layers = icon(0, 0)
    x = 150.0
    for letter in "Piper Hardened":
        if letter == " ":
            x += 18
            continue
        strokes, width = LETTERS[letter]
        layers += [
            Layer(stroke([(x + u, 82 - v) for u, v in line], 4.2), INK, INK) for line in strokes
        ]
        x += width + 13
    return layers


# --- shapes ---------------------------------------------------------------------------------------


def shield(x: float, top: float, half: float, height: float) -> Shape:
    """Straight above, and below two arcs that meet in a point."""
    shoulder = top + height * 0.36
    below = top + height - shoulder
    # the arc through (half, shoulder), upright there, and (0, top + height)
    radius = (half * half + below * below) / (2 * half)
    round_off = 11.0

    def distance(px: float, py: float) -> float:
        u = abs(px - x)
        if py > shoulder:
            return hypot(u + radius - half, py - shoulder) - radius
        # a box with round upper corners
        qx, qy = u - half + round_off, top - py + round_off
        return min(max(qx, qy), 0.0) + hypot(max(qx, 0.0), max(qy, 0.0)) - round_off

    return distance


def bubble(x: float, y: float, half: float, tall: float) -> Shape:
    """A round box with a tail below, left of its middle."""
    corner = 14.0
    tail = polygon([(x - 22, y + tall - 6), (x - 20, y + tall + 15), (x + 1, y + tall - 6)])

    def distance(px: float, py: float) -> float:
        qx, qy = abs(px - x) - half + corner, abs(py - y) - tall + corner
        box = min(max(qx, qy), 0.0) + hypot(max(qx, 0.0), max(qy, 0.0)) - corner
        return min(box, tail(px, py) - 1.5)

    return distance


def stroke(points: Sequence[tuple[float, float]], radius: float) -> Shape:
    """A line through points, as of a round pen."""

    def distance(px: float, py: float) -> float:
        return min(_to_segment(px, py, a, b) for a, b in _pairs(points)) - radius

    return distance


def polygon(points: Sequence[tuple[float, float]]) -> Shape:
    """A closed outline."""
    sides = [*_pairs(points), (points[-1], points[0])]

    def distance(px: float, py: float) -> float:
        inside = False
        for (ax, ay), (bx, by) in sides:
            if (ay > py) != (by > py) and px < ax + (py - ay) / (by - ay) * (bx - ax):
                inside = not inside
        nearest = min(_to_segment(px, py, a, b) for a, b in sides)
        return -nearest if inside else nearest

    return distance


def _pairs(
    points: Sequence[tuple[float, float]],
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    return list(pairwise(points))


def _to_segment(px: float, py: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    ux, uy = b[0] - a[0], b[1] - a[1]
    square = ux * ux + uy * uy
    part = ((px - a[0]) * ux + (py - a[1]) * uy) / square if square else 0.0
    part = min(max(part, 0.0), 1.0)
    return hypot(px - a[0] - part * ux, py - a[1] - part * uy)


# --- letters: lines through points, upwards from the base line ------------------------------------


def _arc(x: float, y: float, radius: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Points on a circle, angles in degrees, counter-clockwise from the right."""
    steps = max(2, int(abs(end - begin) / 12))
    angles = [(begin + (end - begin) * step / steps) * pi / 180 for step in range(steps + 1)]
    return [(x + radius * cos(a), y + radius * sin(a)) for a in angles]


_BOWL = _arc(12, 12, 12, 0, 360)
LETTERS: dict[str, tuple[list[list[tuple[float, float]]], float]] = {
    "P": ([[(0, 0), (0, 40), (13, 40), *_arc(13, 29, 11, 90, -90), (0, 18)]], 24),
    "H": ([[(0, 0), (0, 40)], [(26, 0), (26, 40)], [(0, 20), (26, 20)]], 26),
    "a": ([_BOWL, [(24, 0), (24, 24)]], 24),
    "d": ([_BOWL, [(24, 0), (24, 42)]], 24),
    "e": ([[(0, 12), (24, 12), *_arc(12, 12, 12, 0, 312)]], 24),
    "i": ([[(0, 0), (0, 24)], [(0, 36), (0, 36.1)]], 0),
    "n": ([[(0, 0), (0, 24)], [(0, 13), *_arc(11, 13, 11, 180, 0), (22, 0)]], 22),
    "p": ([_BOWL, [(0, -16), (0, 24)]], 24),
    "r": ([[(0, 0), (0, 24)], [(0, 12), *_arc(12, 12, 12, 180, 75)]], 14),
}


# --- pixels ---------------------------------------------------------------------------------------


def png(layers: Sequence[Layer], width: int, height: int) -> bytes:
    """Paint the layers, later ones over earlier ones, on nothing."""
    rows = []
    for row in range(height):
        line = bytearray([0])  # no filter
        for column in range(width):
            line += _pixel(layers, column + 0.5, row + 0.5)
        rows.append(bytes(line))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, red green blue alpha
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
        + _chunk(b"IEND", b"")
    )


def _pixel(layers: Sequence[Layer], x: float, y: float) -> bytes:
    red = green = blue = alpha = 0.0
    for layer in layers:
        share = min(max(0.5 - layer.shape(x, y), 0.0), 1.0)
        if share:
            colour = layer.colour(y)
            covered = share + alpha * (1 - share)
            red = (colour[0] * share + red * alpha * (1 - share)) / covered
            green = (colour[1] * share + green * alpha * (1 - share)) / covered
            blue = (colour[2] * share + blue * alpha * (1 - share)) / covered
            alpha = covered
    return bytes(round(value * 255) for value in (red, green, blue, alpha))


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


if __name__ == "__main__":
    main()

"""Imports point downwards only, and only the engine's process imports what speaks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "wyoming_piper_hardened"


def read_layers() -> dict[str, int]:
    """Return the layer of each place, from the table in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE)
    return {
        place: int(number) for number, places in rows for place in re.findall(r"`(\w+)/?`", places)
    }


LAYERS = read_layers()
LOWEST = min(LAYERS.values())

ENGINE_ONLY = {"piper", "onnxruntime", "onnx"}
SHARED_BY_THE_ENGINE = {"configuration", "cost", "embedded", "messages", "report", "schedule"}
"""Modules of `engine` that other processes may import: contracts, no models."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Every import as the parts of its absolute name; our own begin with ``.``."""
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(name.name.split(".")) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = tuple((node.module or "").split(".")) if node.module else ()
            if not node.level:
                yield inside
            else:
                base = (".", *package[: len(package) - node.level + 1], *inside)
                yield from ((*base, name.name) for name in node.names)


def test_every_place_has_a_layer() -> None:
    places = {path.stem for path in PACKAGE.glob("*.py")}
    places |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(LAYERS) == places


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for name in imports(path):
        if name[0] == ".":
            there = name[1] if name[1] in LAYERS else "__init__"  # what the package itself defines
            if there == here:
                continue
            lower = LAYERS[there] < LAYERS[here]
            assert lower or LAYERS[there] == LAYERS[here] == LOWEST, f"{here} imports {there}"
            if there == "engine":
                assert name[2] in SHARED_BY_THE_ENGINE, f"{here} imports engine.{name[2]}"
        elif name[0] in ENGINE_ONLY:
            assert here == "engine", f"{here} imports {name[0]}"

"""Imports point downwards only, and only the engine's process imports what speaks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "wyoming_piper_hardened"

LAYERS = (
    {
        "__init__",
        "changes",
        "checks",
        "concurrency",
        "config",
        "errors",
        "framing",
        "journal",
        "listening",
    }
    | {"atomic", "metrics", "privileges", "restart", "throttle"},
    {"engine", "text"},
    {"workers", "voices"},
    {"speech"},
    {"operations"},
    {"protocol", "web", "home_assistant"},
    {"service"},
    {"cli"},
    {"__main__"},
)
"""From the lowest to the highest; neighbours within a layer do not know each other."""

NEIGHBOURS = {"__init__", *LAYERS[0]}
"""The lowest layer's modules may, and everybody may ask for the version."""

ENGINE_ONLY = {"piper", "onnxruntime", "onnx"}
SHARED_BY_THE_ENGINE = {"embedded", "messages", "report", "schedule"}
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


def layer(place: str) -> int:
    return next(number for number, places in enumerate(LAYERS) if place in places)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for name in imports(path):
        if name[0] == ".":
            there = name[1]
            if not (PACKAGE / there).is_dir() and not (PACKAGE / f"{there}.py").exists():
                there = "__init__"  # a name that the package itself defines
            if there == here or there in NEIGHBOURS:
                assert layer(there) <= layer(here), f"{here} imports {there}"
                continue
            assert layer(there) < layer(here), f"{here} imports {there}"
            if there == "engine":
                assert name[2] in SHARED_BY_THE_ENGINE, f"{here} imports engine.{name[2]}"
        elif name[0] in ENGINE_ONLY:
            assert here == "engine", f"{here} imports {name[0]}"

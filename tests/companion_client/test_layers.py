"""The client knows nothing of Home Assistant, the integration nothing of the server's package."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "piper_hardened"
CLIENT = INTEGRATION / "client"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 13))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", sorted(CLIENT.glob("*.py")), ids=lambda path: path.name)
def test_client_imports_aiohttp_and_the_standard_library_alone(path: Path) -> None:
    allowed = {"aiohttp", "yarl", *sys.stdlib_module_names}
    for name in imported(path):
        assert (name.startswith(".") and not name.startswith("..")) or name in allowed, name


def test_integration_does_not_import_the_server() -> None:
    for path in INTEGRATION.rglob("*.py"):
        if sys.version_info < (3, 12) and path.parent != CLIENT:  # newer syntax
            assert "wyoming_piper_hardened" not in path.read_text(encoding="utf-8")
        else:
            assert "wyoming_piper_hardened" not in set(imported(path))

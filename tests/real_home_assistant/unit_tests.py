"""Run the integration's own tests, and check its types, with the suite's Home Assistant.

All tests together have to cover every module; some alone, as the arguments say, need not.

usage: python -m real_home_assistant.unit_tests [PYTEST ARGUMENT...]      in /mnt/checks
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import homeassistant  # noqa: F401 - first of all: it puts its own httpx in place
import pytest
from homeassistant.components import logger

INTEGRATION = "custom_components/piper_hardened"
COVERED_ABOVE = 95.0
COVERED_WHOLLY = "config_flow.py"
COVERAGE = Path("/tmp/coverage.json")


def main() -> int:
    """Return 0 if all is well."""
    os.environ["COVERAGE_FILE"] = "/tmp/coverage"
    # The newest plugin is that of Home Assistant 2026.10: it imports this, which no test calls.
    if not hasattr(logger, "_clear_logger_overwrites"):
        logger._clear_logger_overwrites = None  # type: ignore[attr-defined]
    tests = pytest.main(
        [
            *("--rootdir=/mnt/checks", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"),
            *("--quiet", "--tb=short", "--show-capture=no", "--timeout=60"),
            *(f"--cov={INTEGRATION}", "--cov-report=term-missing", f"--cov-report=json:{COVERAGE}"),
            *(sys.argv[1:] or ["companion"]),
        ]
    )
    uncovered = [] if sys.argv[1:] else _uncovered()
    for complaint in uncovered:
        print(complaint, flush=True)
    types = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"),
            *("--cache-dir=/dev/null", INTEGRATION),
        ],
        env={**os.environ, "MYPYPATH": _aliases()},
        check=False,
    )
    return int(tests) or types.returncode or bool(uncovered)


def _uncovered() -> list[str]:
    """Return a sentence for each module whose lines are not covered as they have to be."""
    files = json.loads(COVERAGE.read_text())["files"]
    covered = {Path(name): one["summary"]["percent_covered"] for name, one in files.items()}
    return [
        f"NOT COVERED: {path}: {percent:.1f} % of its lines"
        for path, percent in covered.items()
        if percent <= COVERED_ABOVE or (path.name == COVERED_WHOLLY and percent < 100)
    ]


def _aliases() -> str:
    """Return a folder of what Home Assistant gives another name when it runs."""
    folder = Path("/tmp/aliases")
    if find_spec("probatio") is not None:
        stub = folder / "voluptuous" / "__init__.pyi"
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text("from probatio import *\n")
    return str(folder)


if __name__ == "__main__":
    sys.exit(main())

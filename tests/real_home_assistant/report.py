"""Add up the results of a run; runs on the developer's Python.

usage: python -m real_home_assistant.report RUN_FOLDER SUITE... [--json FILE]

The folder holds a `<suite>.json` for each suite that was reached and, when the server was started
by the run, a `server.json` with how it ended. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .results import Result

STOP_WITHIN = 10
"""Seconds that a stopped server may take: the Supervisor kills it after that."""


def main() -> int:
    """Print the rest of the report and its total; exit code 1 when a check failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("suites", nargs="+")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    suites = [_suite(arguments.folder, suite) for suite in arguments.suites]
    server = _server(arguments.folder / "server.json")
    for late in [server, *(suite.pop("unreached", None) for suite in suites)]:
        if late is not None:
            print(late.line())

    verdicts = [check["passed"] for suite in suites for check in suite["checks"]]
    if server is not None:
        verdicts.append(server.passed)
    passed, failed = verdicts.count(True), verdicts.count(False)
    if arguments.json is not None:
        whole = {
            "passed": passed,
            "failed": failed,
            "suites": suites,
            "server": server.as_json() if server is not None else None,
        }
        arguments.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def _suite(folder: Path, suite: str) -> dict[str, Any]:
    """Return a suite's results; one that left none counts as one failed check."""
    path = folder / f"{suite}.json"
    if path.exists():
        results: dict[str, Any] = json.loads(path.read_text())
        return results
    unreached = Result(f"suite {suite}", {}, ["it ended without results"], 0.0, [])
    return {"suite": suite, "checks": [unreached.as_json()], "unreached": unreached}


def _server(path: Path) -> Result | None:
    if not path.exists():
        return None
    ended = json.loads(path.read_text())
    seconds, code = ended["seconds"], ended["exit_code"]
    problems = []
    if code != 0:
        problems.append(f"exit code {code} after SIGTERM, 0 is due")
    if seconds > STOP_WITHIN:
        problems.append(f"it took {seconds:.1f} s to stop, {STOP_WITHIN} s are allowed")
    return Result("the server stops cleanly", {}, problems, seconds, [])


if __name__ == "__main__":
    sys.exit(main())

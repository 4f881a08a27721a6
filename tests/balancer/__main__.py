"""``python -m balancer``: see ``script/test-balancer``. Exit code 1 when anything failed."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.voices.installation.sources import package_source

from .trial import prepared


def main() -> int:
    """Run the trial; return the exit code."""
    parser = argparse.ArgumentParser(prog="script/test-balancer", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of replacing by SIGTERM")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--listeners", type=int, default=24)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    with tempfile.TemporaryDirectory(prefix="balancer-") as folder:
        return asyncio.run(_try(parser.parse_args(), Path(folder)))


async def _try(arguments: argparse.Namespace, folder: Path) -> int:
    data = folder / "data"
    source = package_source()
    assert source
    await build_installer(load_settings(flags={"data_dir": data})).install(source)
    listeners, failures = arguments.listeners, []
    async with prepared(data, folder, arguments.seed) as trial:
        replaced = await trial.replace(60 * arguments.minutes, listeners)
        print(
            f"SIGTERM: {len(trial.exit_codes)} servers replaced in {arguments.minutes:g} minutes, "
            f"{listeners} listeners: {replaced.heard} heard over Wyoming, {replaced.http} over "
            f"HTTP, {dict(replaced.cut)} cut off, {len(replaced.failures)} failures; "
            f"slowest first audio {replaced.slowest:.1f} s"
        )
        failures += replaced.failures
        if replaced.cut:
            failures.append(f"{replaced.cut.total()} were cut off although nobody was killed")
        if any(trial.exit_codes):
            failures.append(f"exit codes {trial.exit_codes}")
        killed, on_them = await trial.kill(arguments.kills, listeners)
        print(
            f"SIGKILL: {arguments.kills} servers killed with {on_them} connections on them: "
            f"{killed.heard} heard over Wyoming, {killed.http} over HTTP, {dict(killed.cut)} "
            f"cut off, {len(killed.failures)} failures; HAProxy went to another server "
            f"{await trial.haproxy.retries()} times; slowest first audio {killed.slowest:.1f} s"
        )
        failures += killed.failures
        if killed.cut.total() > on_them:
            failures.append(f"{killed.cut.total()} were cut off, more than were on killed servers")
    for failure in failures[:50]:
        print(failure, file=sys.stderr)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())

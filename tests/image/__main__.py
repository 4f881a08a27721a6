"""Check the built image; the last line is "N passed, N failed, N skipped".

Exit code 0 when all checks passed, 1 when not, 2 when they could not run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from real_home_assistant.recorder import Recorder
from real_home_assistant.results import Findings

from . import checks, checks_stop
from .bench import EMBEDDED, Bench
from .container import ROOT, Container, ContainerEngine, ContainerEngineError
from .isolated_network import IsolatedNetwork, move_to

CHECKS: Final[dict[str, Callable[[Bench, Findings], Awaitable[None]]]] = {
    "the image": checks.size,
    "speaks": checks.speaks,
    "health check": checks.healthy,
    "no privileges": checks.unprivileged,
    "one's own voice, and a restart": checks.own_voice_survives,
    "commands and languages": checks.commands,
    "/data is read-only": checks.read_only_data,
    "discovery": checks.discovered,
    "commands on standard input": checks.obeys,
    "stop": checks_stop.idle,
    "stop, without an init": checks_stop.without_init,
    "stop while loading": checks_stop.loading,
    "stop while speaking": checks_stop.speaking,
    "stop while downloading": checks_stop.downloading,
    "stop while degraded": checks_stop.degraded,
    "no connection of its own": checks.stays_at_home,
}
"""The last one looks at all that was sent by the others."""


def main() -> int:
    """Run the checks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="script/test-image", description=__doc__)
    parser.add_argument("image", nargs="?", default="wyoming-piper-hardened")
    parser.add_argument("--only", metavar="TEXT", help="only checks with this in their title")
    parser.add_argument(
        "--home-assistant",
        metavar="SUITE",
        nargs="?",
        const="newest",
        help="have a real Home Assistant speak through the container: newest, oldest or both",
    )
    parser.add_argument(
        "--serve", action="store_true", help="run `serve` as an ordinary user, not the app"
    )
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("script/test-image needs root: it enters the containers' network", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_run(arguments))
    except (ContainerEngineError, OSError) as err:
        print(f"script/test-image: {err}", file=sys.stderr)
        return 2


async def _run(arguments: argparse.Namespace) -> int:
    engine = await ContainerEngine.found()
    recorder = Recorder()
    async with IsolatedNetwork.entered(engine, arguments.image) as isolated_network:
        bench = Bench(engine, arguments.image, isolated_network, serve=arguments.serve)
        for title, check in CHECKS.items():
            if arguments.only is None or arguments.only in title:

                async def run(
                    findings: Findings,
                    check: Callable[[Bench, Findings], Awaitable[None]] = check,
                ) -> None:
                    await check(bench, findings)

                await recorder.run(title, run)
        if arguments.home_assistant:
            await recorder.run(
                "a real Home Assistant",
                lambda findings: _home_assistant(bench, arguments.home_assistant, findings),
            )
    failed = sum(not result.passed for result in recorder.results)
    skipped = sum("skipped" in result.measurements for result in recorder.results)
    passed = len(recorder.results) - failed - skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


async def _home_assistant(bench: Bench, suite: str, findings: Findings) -> None:
    """Have script/test-home-assistant speak through a container in this machine's own network."""
    move_to(bench.isolated_network.home)
    with socket.create_server(("127.0.0.1", 0)) as free:
        uri = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    options = ["--network", "host", *(("--user", "10200") if bench.serve else ())]
    async with Container.created(
        bench.engine,
        bench.image,
        options=options,
        environment={"WPH_URI": uri},
        command=["serve"] if bench.serve else [],
    ) as container:
        await container.start()
        script = await asyncio.create_subprocess_exec(
            str(ROOT / "script" / "test-home-assistant"),
            *("--suite", suite, "--uri", uri, "--voice", EMBEDDED),
        )
        findings.require(await script.wait() == 0, "see above")
        stop = await container.stop()
        findings.require(stop.exit_code == 0, f"exit code {stop.exit_code}")


if __name__ == "__main__":
    sys.exit(main())

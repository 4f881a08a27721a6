"""Runs the simulated Supervisor until it is ended; every request is one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import signal
import sys

from .simulator import Fault, Received, Simulator, serving


def _write(received: Received) -> None:
    sys.stdout.write(json.dumps(dataclasses.asdict(received)) + "\n")
    sys.stdout.flush()


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m supervisor", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--token", default=Simulator.token)
    parser.add_argument("--options", type=json.loads, default={}, help="a JSON object")
    parser.add_argument(
        "--fault", type=Fault, choices=list(Fault), action="append", default=[], help="of a request"
    )
    arguments = parser.parse_args()
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    simulator = Simulator(arguments.token, options=arguments.options, on_request=_write)
    simulator.fault(*arguments.fault)
    async with serving(simulator, arguments.host, arguments.port):
        sys.stderr.write(f"listening on {simulator.url}\n")
        await stop.wait()


asyncio.run(_main())

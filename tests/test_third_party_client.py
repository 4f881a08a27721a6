"""A public client that this project did not write finds no failure."""

from __future__ import annotations

import asyncio
import re
import sys

from conftest import Serve


async def test_wyoming_bench_reports_no_failure_in_both_modes(start_server: Serve) -> None:
    server = await start_server()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from wyoming_bench.cli import main; main()"),
        *("tts", f"127.0.0.1:{server.port}", "--mode", "both", "--rounds", "1"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    found = re.findall(rb"\[(non_streaming|streaming)\] ok=(\d+) fail=(\d+)", output)
    assert found == [(b"non_streaming", b"4", b"0"), (b"streaming", b"4", b"0")], output.decode()

"""The commands in docs/api.md do what it says."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest
import soundfile

from support.both_servers import Open

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def commands() -> list[str]:
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    return [line for line in block[1].splitlines() if line]


@pytest.mark.parametrize("command", commands(), ids=lambda line: line.split(":8080")[1][:40])
async def test_command_of_the_page_succeeds(open_site: Open, tmp_path: Path, command: str) -> None:
    site = await open_site()
    await site.server.pool.until_ready()
    words = shlex.split(command, comments=True)
    assert words[0] == "curl"
    address = f"127.0.0.1:{site.web.port}"
    curl = await asyncio.create_subprocess_exec(
        *("curl", "--fail-with-body", "--silent", "--show-error"),
        *(word.replace("127.0.0.1:8080", address) for word in words[1:]),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await curl.communicate()
    assert curl.returncode == 0, said
    if "--output" in words:
        audio, rate = await asyncio.to_thread(soundfile.read, next(tmp_path.iterdir()))
        assert len(audio) / rate > 0.3
    else:
        assert said

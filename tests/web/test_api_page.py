"""The commands in docs/api.md and README.md do what they say."""

from __future__ import annotations

import asyncio
import re
import shlex
import wave
from pathlib import Path

import pytest
import soundfile

from support.both_servers import Open

ROOT = Path(__file__).parents[2]


def commands() -> list[str]:
    """Return the calls of both documents; the README's other commands are tested elsewhere."""
    found = []
    for page in (ROOT / "docs" / "api.md", ROOT / "README.md"):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        found += [line for block in blocks for line in block.splitlines() if "curl" in line]
    assert len({line for line in found if "/api/say" in line}) == 1  # they say the same
    return list(dict.fromkeys(found))


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
        file = next(tmp_path.iterdir())
        audio, rate = await asyncio.to_thread(soundfile.read, file)
        assert len(audio) / rate > 0.3
        if file.suffix == ".wav":
            assert true_seconds(file) == pytest.approx(len(audio) / rate)
    else:
        assert said


def true_seconds(file: Path) -> float:
    """Return the length of a WAV file by its header, which must be that of its samples."""
    with wave.open(str(file)) as wav:
        assert len(wav.readframes(1 << 30)) == wav.getnframes() * wav.getsampwidth()
        return float(wav.getnframes() / wav.getframerate())

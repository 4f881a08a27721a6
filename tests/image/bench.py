"""The bench of every check: the image, an isolated network, containers with own folders."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from support.client import Client, connected

from .container import Container, ContainerEngine
from .isolated_network import NAMESERVER, IsolatedNetwork

PORT: Final = 10200
USER: Final = 10200
EMBEDDED: Final = "en_US-joe-medium"
START_WITHIN: Final = 60.0
_INTERVAL: Final = 0.02


@dataclass(frozen=True, slots=True)
class Bench:
    """Source of the containers of checks.

    Args:
        engine: docker or podman.
        image: the image to check.
        isolated_network: the network that this process stands in.
        serve: run ``serve`` as an ordinary user from the start, instead of the image's own command.
    """

    engine: ContainerEngine
    image: str
    isolated_network: IsolatedNetwork
    serve: bool = False

    @contextlib.asynccontextmanager
    async def server(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        init: bool = True,
        read_only_data: bool = False,
    ) -> AsyncIterator[Server]:
        """Create a container as Home Assistant does, but with a read-only file system."""
        with tempfile.TemporaryDirectory(prefix="test-image-") as path:
            folder = Path(path)
            folder.chmod(0o755)
            server = self._prepare(folder)
            options = [
                *(self.engine.init if init else ()),
                *("--interactive", "--network", self.isolated_network.network),
                *("--read-only", "--tmpfs", "/tmp"),
                *("--volume", f"{server.data}:/data" + (":ro" if read_only_data else "")),
                *("--volume", f"{server.share}:/share"),
                *("--volume", f"{folder}/resolv.conf:/etc/resolv.conf:ro"),
                *("--volume", f"{folder}/hosts:/etc/hosts:ro"),
                *(("--user", str(USER)) if self.serve else ()),
            ]
            async with Container.created(
                self.engine,
                self.image,
                options=options,
                environment=environment,
                command=["serve"] if self.serve else [],
            ) as container:
                server.container = container
                yield server

    def _prepare(self, folder: Path) -> Server:
        (folder / "resolv.conf").write_text(
            f"nameserver {NAMESERVER}\noptions timeout:1 attempts:1\n"
        )
        (folder / "hosts").write_text("127.0.0.1 localhost supervisor\n")
        server = Server(data=folder / "data", share=folder / "share")
        server.data.mkdir()
        server.share.mkdir()
        if self.serve:  # as `--user` needs it
            os.chown(server.data, USER, USER)
        return server


class Server:
    """A container with the program, and its two folders on this machine."""

    container: Container

    def __init__(self, data: Path, share: Path) -> None:
        self.data = data
        self.share = share

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self.container.start()
        await self.answering()

    async def answering(self) -> None:
        """Wait until the port is open."""
        try:
            async with asyncio.timeout(START_WITHIN):
                while True:
                    with contextlib.suppress(OSError):
                        async with connected(PORT):
                            return
                    await asyncio.sleep(_INTERVAL)
        except TimeoutError:
            raise RuntimeError(
                f"the port did not open in {START_WITHIN:g} s; its log ends with\n"
                + (await self.container.log())[-3000:]
            ) from None

    async def voices(self) -> set[str]:
        """Return the names of the installed voices that it describes."""
        async with connected(PORT) as client:
            await client.send("describe")
            outcome = await client.until("info")
        info: dict[str, Any] = outcome.events[-1].data
        return {
            voice["name"]
            for program in info["tts"]
            for voice in program["voices"]
            if voice["installed"]
        }

    async def offers(self, voice: str, seconds: float) -> bool:
        """Return whether the voice is described within that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while voice not in await self.voices():  # noqa: ASYNC110 - it answers when asked
                    await asyncio.sleep(0.5)
                return True
        return False

    async def logs(self, text: str, seconds: float = 90) -> str:
        """Return the whole log, once `text` is in it."""
        async with asyncio.timeout(seconds):
            while text not in (log := await self.container.log()):  # noqa: ASYNC110 - it is a file
                await asyncio.sleep(0.5)
        return log

    async def first_word(self) -> float:
        """Ask for a word; return the time of the first audio, of `time.monotonic`."""
        async with connected(PORT) as client:
            await client.send("synthesize", text="Hello.")
            outcome = await client.until("audio-chunk")
            if outcome.error:
                raise RuntimeError(f"no word but {outcome.error}")
            heard = time.monotonic()
            await client.until("audio-stop")
            return heard

    async def memory(self) -> int:
        """Return the proportional share of all its processes, in bytes."""
        return sum(one.memory_full_info().pss for one in await self.container.processes())


async def speak(client: Client, text: str, **data: Any) -> bytes:
    """Return the audio of a text; raises RuntimeError for an error."""
    outcome = await client.say(text, **data)
    if outcome.error or outcome.types[-1] != "audio-stop":
        raise RuntimeError(f"{text[:30]!r} ended with {outcome.error or outcome.types}")
    return outcome.pcm


def is_gone(process: psutil.Process) -> bool:
    """Return whether a process has ended."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

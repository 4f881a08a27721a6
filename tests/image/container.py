"""Containers of the image, by this machine's engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).parents[2]
KILL_AFTER: Final = 20
"""Seconds until the engine kills what does not stop. Home Assistant's allows 10: see `Stop`."""

_INITS: Final = {"catatonit", "docker-init", "podman-init", "tini"}


class ContainerEngineError(Exception):
    """The engine refused."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End of a container."""

    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Output of a command in a container."""

    exit_code: int
    output: str


class ContainerEngine:
    """Docker or podman, by ``script/container``."""

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    async def found() -> ContainerEngine:
        """Return the engine of this machine, installed if it may be."""
        engine = ContainerEngine("")
        await engine.call("--version")
        name = await engine.call("--name")
        return ContainerEngine(name.strip())

    async def call(self, *arguments: str) -> str:
        """Its standard output.

        Raises:
            ContainerEngineError: it ended with another code than 0.
        """
        answer = await self.answer(*arguments)
        if answer.exit_code:
            raise ContainerEngineError(
                f"{' '.join(arguments[:2])}: {answer.output.strip()[-2000:]}"
            )
        return answer.output

    async def answer(self, *arguments: str) -> Answer:
        """Its exit code and all that it printed."""
        process = await asyncio.create_subprocess_exec(
            str(ROOT / "script" / "container"),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        text = output if process.returncode == 0 else output + errors
        return Answer(process.returncode or 0, text.decode(errors="replace"))

    async def look_at(self, kind: str, name: str) -> dict[str, Any]:
        """Return what the engine knows of an image or a container."""
        found: list[dict[str, Any]] = json.loads(await self.call(kind, "inspect", name))
        return found[0]

    @property
    def always(self) -> tuple[str, ...]:
        """Options of every container. Podman's health checks need systemd; we ask by ourselves."""
        return ("--no-healthcheck",) if self.name == "podman" else ()

    @property
    def init(self) -> tuple[str, ...]:
        """A first process that passes signals on, as Home Assistant has it."""
        here = self.name == "docker" or shutil.which("catatonit")
        return ("--init",) if here else ()


class Container:
    """One container; use through `created`."""

    def __init__(self, engine: ContainerEngine, name: str) -> None:
        self._engine = engine
        self.name = name

    @staticmethod
    @contextlib.asynccontextmanager
    async def created(
        engine: ContainerEngine,
        image: str,
        *,
        options: Sequence[str],
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
    ) -> AsyncIterator[Container]:
        """Create a container without starting it; on leaving it is gone."""
        name = f"wyoming-piper-hardened-test-{secrets.token_hex(4)}"
        variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
        await engine.call(
            *("create", "--name", name, *engine.always, *options, *variables, image, *command)
        )
        container = Container(engine, name)
        try:
            yield container
        finally:
            await engine.call("rm", "--force", "--volumes", name)

    async def start(self) -> None:
        """Start it, or start it again."""
        await self._engine.call("start", self.name)

    async def stop(self) -> Stop:
        """Send SIGTERM and wait for the end."""
        began = time.monotonic()
        await self._engine.call("stop", "--time", str(KILL_AFTER), self.name)
        seconds = time.monotonic() - began
        state = (await self._engine.look_at("container", self.name))["State"]
        return Stop(int(state["ExitCode"]), seconds)

    async def execute(self, *command: str) -> Answer:
        """Run another command in it, as root."""
        return await self._engine.answer("exec", self.name, *command)

    @contextlib.asynccontextmanager
    async def attached(self) -> AsyncIterator[asyncio.StreamWriter]:
        """Its standard input, where Home Assistant writes commands.

        Once for a container: the engine closes the input when the writer leaves, which Home
        Assistant's own way of writing does not.
        """
        process = await asyncio.create_subprocess_exec(
            *(str(ROOT / "script" / "container"), "attach", "--sig-proxy=false", self.name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdin is not None
        try:
            yield process.stdin
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    async def log(self) -> str:
        """All that it has logged since it was created."""
        process = await asyncio.create_subprocess_exec(
            *(str(ROOT / "script" / "container"), "logs", self.name),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode(errors="replace")

    async def pid(self) -> int:
        """Its first process, as this machine numbers it."""
        return int((await self._engine.look_at("container", self.name))["State"]["Pid"])

    async def processes(self) -> list[psutil.Process]:
        """Return the program and its children, without an init before them."""
        first = psutil.Process(await self.pid())
        return [one for one in (first, *first.children(recursive=True)) if one.name() not in _INITS]

    async def engines(self) -> list[psutil.Process]:
        """Return the processes that speak."""
        found = []
        for one in await self.processes():
            with contextlib.suppress(psutil.Error):
                if "wyoming_piper_hardened.engine" in one.cmdline():
                    found.append(one)
        return found

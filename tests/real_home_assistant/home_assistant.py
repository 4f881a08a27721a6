"""A Home Assistant Core as a child process, with a configuration folder of its own."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

URL = "http://127.0.0.1:8123"
"""Where it listens: its default port, in a network that is ours alone."""

SUPERVISOR_PORT, APPS_PORT = 8100, 8101
"""Where Home Assistant finds a Supervisor's ingress and its apps, if one listens."""

STOP_WITHIN = 20.0

CONFIGURATION = f"""\
homeassistant:
  name: Test home
  latitude: 0
  longitude: 0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: US
  currency: USD
  language: en
  internal_url: "{URL}"
logger:
  default: warning
api:
tts:
assist_pipeline:
scripted_agent:
ingress_opener:
  supervisor: 127.0.0.1:{SUPERVISOR_PORT}
supervisor_opener:
  supervisor: 127.0.0.1:{APPS_PORT}
"""

OF_INTEGRATION = """\
script:
  repair:
    sequence:
      - action: piper_hardened.repair_voice
        data:
          config_entry_id: "{{ server }}"
          voice: "{{ voice }}"
        response_variable: outcome
      - stop: It speaks again
        response_variable: outcome
"""


@asynccontextmanager
async def page() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the server's page as people do, through ingress; addresses are relative to it."""
    async with aiohttp.ClientSession(f"{URL}/api/hassio_ingress/a-token/") as session:
        yield session


class EndedError(Exception):
    """Home Assistant ended by itself."""


class HomeAssistant:
    """Runs while the `async with` block does.

    Args:
        folder: an empty one, for its configuration and its log.
        integrated: whether the server's integration is installed.
    """

    def __init__(self, folder: Path, *, integrated: bool = True) -> None:
        self._folder = folder
        self._integrated = integrated
        self._log_path = folder / "home-assistant.log.txt"
        self._log: BinaryIO | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Write the configuration and start the process."""
        self._folder.mkdir(parents=True)
        configuration = CONFIGURATION + (OF_INTEGRATION if self._integrated else "")
        (self._folder / "configuration.yaml").write_text(configuration)
        components = Path(__file__).parent / "custom_components"
        shutil.copytree(components, self._folder / "custom_components")
        ours = Path(__file__).parents[1] / "custom_components" / "piper_hardened"
        if self._integrated:
            shutil.copytree(ours, self._folder / "custom_components" / ours.name)
        self._log = self._log_path.open("wb")
        self._process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("hass"),
            *("--config", self._folder, "--skip-pip", "--log-no-color"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the process, by force when it does not stop by itself."""
        assert self._process is not None
        assert self._log is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_WITHIN)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._log.close()

    async def watch(self) -> NoReturn:
        """Raise EndedError when the process ends; meant to run beside all that needs it."""
        assert self._process is not None
        code = await self._process.wait()
        raise EndedError(f"it ended with exit code {code}:\n{self.log()[-3000:]}")

    def log(self) -> str:
        """Return what it has logged so far."""
        return self._log_path.read_text(errors="replace")

    def rate_limit(self) -> list[str]:
        """Return the log's warnings and errors, one line each."""
        return [
            line for line in self.log().splitlines() if " ERROR " in line or " WARNING " in line
        ]

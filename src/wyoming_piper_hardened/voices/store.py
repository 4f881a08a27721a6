"""Installed voices on the disk.

::

    voices/<name>/<version>/   <name>.onnx  <name>.onnx.json  the parts  parts.json
    voices/<name>/current      symbolic link to the serving version, switched by rename
    staging/<transaction>/     thrown away at start-up

A version is complete before it gets its name: it is made in staging, flushed, renamed, and only
then does ``current`` point to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from ..atomic import move_folder, switch_link
from ..engine.messages import config_path
from ..errors import VoiceError
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)
_PREPARE_TIMEOUT = 900.0  # a high-quality voice on a slow SD card and processor
_SPACE_FACTOR = 4  # the voice, its parts, and as much again while they are made


class Store:
    """The voices below a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._voices = data_dir / "voices"
        self._staging = data_dir / "staging"

    def recover(self) -> None:
        """Throw away what an interrupted transaction left. Blocks on the disk."""
        shutil.rmtree(self._staging, ignore_errors=True)

    async def prepare(self, voice: Voice) -> Voice:
        """Split a voice and commit it together with its parts; returns the committed voice.

        Raises:
            VoiceError: it cannot be prepared, there is no space, or the disk refuses.
        """
        try:
            async with self._transaction() as stage:
                model = await asyncio.to_thread(self._copy, voice, stage)
                await _run_preparation(model, stage)
                return await asyncio.to_thread(self._commit, voice.name, stage)
        except OSError as err:
            raise VoiceError(
                f"{voice.name} cannot be prepared in {self._voices}: {err.strerror}"
            ) from None

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Path]:
        stage = self._staging / secrets.token_hex(8)
        await asyncio.to_thread(stage.mkdir, parents=True)
        try:
            yield stage
        finally:
            await asyncio.to_thread(shutil.rmtree, stage, ignore_errors=True)

    def _copy(self, voice: Voice, stage: Path) -> Path:
        size = voice.model.stat().st_size
        free = shutil.disk_usage(stage).free
        if free < _SPACE_FACTOR * size:
            raise VoiceError(
                f"{voice.name} needs {_SPACE_FACTOR * size >> 20} MB free in {self._staging} to be "
                f"prepared; there are {free >> 20}"
            )
        model = stage / f"{voice.name}.onnx"
        shutil.copyfile(voice.model, model)
        shutil.copyfile(config_path(voice.model), config_path(model))
        return model

    def _commit(self, name: str, stage: Path) -> Voice:
        with (stage / f"{name}.onnx").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        version = f"{digest[:16]}-{secrets.token_hex(2)}"
        folder = self._voices / name
        move_folder(stage, folder / version)
        switch_link(folder / "current", version)
        return read_voice(name, folder / version / f"{name}.onnx")


async def _run_preparation(model: Path, folder: Path) -> None:
    module = "wyoming_piper_hardened.engine.prepare"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(model), str(folder), "--parent", str(os.getpid())),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        async with asyncio.timeout(_PREPARE_TIMEOUT):
            _, errors = await process.communicate()
    except TimeoutError:
        raise VoiceError(f"{model.stem} was not prepared in {_PREPARE_TIMEOUT:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise VoiceError(f"{model.stem} cannot be prepared: {last[0][:500]}")

"""Folders of the user's own: what appears there is installed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import JobCancelledError, NoSpaceError, SourceFileError, StoreError, VoiceError
from ..reporting.issues import Issue, IssueKind, Suggestion
from ..store.origin import Origin
from ..store.voice import shown_name
from .installation.sources import custom_source
from .jobs import JobRunner
from .maintenance_policy import MaintenanceTimings

_MOST_MODELS = 1000
"""In one folder."""


@dataclass(frozen=True, slots=True)
class _Rejection:
    """Files of the user's own that are left alone, unless they change."""

    origin: Origin | None
    """``None`` if they cannot be read."""
    attempt: int = 1
    until: float = math.inf
    """By the event loop's clock."""


class WatchedFolders:
    """Installs the voices in folders as they appear or change.

    Args:
        folders: those of the user.
        jobs: installs.
        served: the origin of the version of a voice that serves, if any; blocks on the disk.
        timings: intervals and delays.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        jobs: JobRunner,
        served: Callable[[str], Origin | None],
        timings: MaintenanceTimings,
    ) -> None:
        self._folders = folders
        self._jobs = jobs
        self._served = served
        self._timings = timings
        self._rejections: dict[Path, _Rejection] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        while self._folders:
            models = await asyncio.to_thread(_models, self._folders)
            for gone in self._rejections.keys() - models:
                del self._rejections[gone]
                self._jobs.issues.close(shown_name(gone.stem), IssueKind.REJECTED)
            for model in models:
                await self._import(model)
            await asyncio.sleep(self._timings.custom_interval)

    async def _import(self, model: Path) -> None:
        origin = None
        try:
            source = await asyncio.to_thread(custom_source, model)
            origin = source.origin
            if origin == await asyncio.to_thread(self._served, model.stem):
                return
            if self._is_rejected(model, origin):
                return
            await self._jobs.add(source)
            self._rejections.pop(model, None)
        except JobCancelledError:
            self._rejections[model] = _Rejection(origin)  # until somebody changes it
        except VoiceError as err:
            if not self._is_rejected(model, origin):
                self._reject(model, origin, err)

    def _is_rejected(self, model: Path, origin: Origin | None) -> bool:
        """Return whether these very files were rejected, and are not to be tried again yet."""
        rejection = self._rejections.get(model)
        return (
            rejection is not None
            and rejection.origin == origin
            and asyncio.get_running_loop().time() < rejection.until
        )

    def _reject(self, model: Path, origin: Origin | None, err: VoiceError) -> None:
        """Reject files until they change, or for a while if another attempt may help."""
        before = self._rejections.get(model)
        attempt = 1 if before is None or before.origin != origin else before.attempt + 1
        until = math.inf
        if isinstance(err, NoSpaceError | StoreError | SourceFileError):
            until = asyncio.get_running_loop().time() + self._timings.delay(attempt)
        self._rejections[model] = _Rejection(origin, attempt, until)
        if isinstance(err, NoSpaceError | StoreError):
            return  # not the file's fault: there is an issue
        name = shown_name(model.stem)
        self._jobs.issues.close(name, IssueKind.MISSING)
        kind, suggestion = IssueKind.REJECTED, Suggestion.REPLACE_FILE
        self._jobs.open_issue(Issue.from_error(kind, name, err, suggestion))


def _models(folders: Iterable[Path]) -> list[Path]:
    """Return the models in the folders, of each folder the first `_MOST_MODELS` that are listed."""
    found: list[Path] = []
    for folder in folders:
        with contextlib.suppress(OSError):
            found += sorted(itertools.islice(folder.glob("*.onnx"), _MOST_MODELS))
    return found

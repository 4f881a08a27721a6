"""Folders of the user's own: what appears there is installed."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import JobCancelledError, NoSpaceError, SourceFileError, StoreError, VoiceError
from ..reporting.events import Event, LimitedLog
from ..reporting.issues import Issue, IssueKind, Suggestion
from ..store.origin import Origin
from ..store.voice import shown_name
from .installation.own_files import OwnFiles, look_into
from .installation.sources import check_configuration, custom_source
from .jobs import JobRunner
from .maintenance_policy import MaintenanceTimings

_LOGGER = logging.getLogger(__name__)
_LINES_A_MINUTE = 3


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
        self._log = LimitedLog(_LOGGER, _LINES_A_MINUTE)
        self._noted: set[tuple[str, Path]] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while self._folders:
            found = await asyncio.to_thread(look_into, self._folders)
            self._note(found)
            for gone in self._rejections.keys() - found.models:
                del self._rejections[gone]
                self._jobs.issues.close(shown_name(gone.stem), IssueKind.REJECTED)
            for model in found.models:
                await self._import(model)
            await asyncio.sleep(self._timings.custom_interval)

    def _note(self, found: OwnFiles) -> None:
        """Log what is left alone, once as long as it stays so."""
        noted = {
            *(("watched-folder-missing", path) for path in found.missing),
            *(("watched-subfolder-ignored", path) for path in found.folders),
            *(("watched-file-hidden", path) for path in found.hidden),
        }
        for name, path in sorted(noted - self._noted):
            self._log_path(name, path)
        self._noted = noted

    def _log_path(self, name: str, path: Path) -> None:
        shown = {"path": _shown(path), "folder": _shown(path.parent)}
        match name:
            case "watched-folder-missing":
                self._log.info(Event("watched-folder-missing", **shown))
            case "watched-subfolder-ignored":
                self._log.warning(Event("watched-subfolder-ignored", **shown))
            case _:
                event = Event("watched-file-hidden", voice=shown_name(path.stem), **shown)
                self._log.warning(event)

    async def _import(self, model: Path) -> None:
        origin = None
        try:
            source = await asyncio.to_thread(custom_source, model)
            origin = source.origin
            if origin == await asyncio.to_thread(self._served, model.stem):
                return
            if self._is_rejected(model, origin):
                return
            await asyncio.to_thread(check_configuration, source)
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
        # The job, if it came so far, has opened the same one.
        kind, suggestion = IssueKind.REJECTED, Suggestion.REPLACE_FILE
        self._jobs.open_issue(Issue.from_error(kind, name, err, suggestion))


def _shown(path: Path) -> str:
    """Return a path for people, on one printable line."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]

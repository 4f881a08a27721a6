"""The user's own pronunciations: files that are read again when they change."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..reporting.issues import Issue, IssueKind
from ..system.aio import Notifier
from ..text.dictionary.entries import Dictionary, Entry
from ..text.dictionary.parsing import MAX_BYTES, DictionaryError, ParsedDictionary, parse
from ..voices.jobs import JobRunner

FILE_NAMES = ("dictionary.yaml", "dictionary.pls")
_UNUSABLE = {"not-yaml", "not-pls", "too-large", "unreadable"}
_SHOWN_ERRORS = 3


@dataclass(frozen=True, slots=True)
class _File:
    version: tuple[int, ...]
    dictionary: Dictionary


class UserDictionary:
    """The dictionaries of some folders as one; the first folder's entries win.

    Args:
        folders: where `FILE_NAMES` may be.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.current = Dictionary()
        """The entries of all files, as last read."""
        self._paths = [folder / name for folder in folders for name in FILE_NAMES]
        self._files: dict[Path, _File] = {}

    def read(self) -> dict[Path, Sequence[DictionaryError]]:
        """Read the files that have changed; return what is wrong in each. Blocks on the disk.

        Of a file that has become unusable the last usable entries are kept.
        """
        changed = {
            path: errors for path in self._paths if (errors := self._reread(path)) is not None
        }
        if changed:
            self.current = _joined(
                [self._files[path].dictionary for path in self._paths if path in self._files]
            )
        return changed

    async def follow(self, interval: float, jobs: JobRunner, notifier: Notifier) -> None:
        """Read changes every `interval` seconds, with an issue for each file that has errors."""
        while self._paths:
            for path, errors in (await asyncio.to_thread(self.read)).items():
                jobs.issues.dismiss(str(path), IssueKind.DICTIONARY)
                if errors:
                    params = {"reason": _described(errors)}
                    jobs.open_issue(Issue(IssueKind.DICTIONARY, str(path), errors[0].code, params))
                notifier.notify()
            await asyncio.sleep(interval)

    def _reread(self, path: Path) -> Sequence[DictionaryError] | None:
        """Return the errors of a file that has changed, else ``None``."""
        known, version = self._files.get(path), _version(path)
        if version == (known.version if known else None):
            return None
        self._files.pop(path, None)
        if version is None:
            return ()
        parsed = _read(path)
        unusable = any(error.code in _UNUSABLE for error in parsed.errors)
        dictionary = known.dictionary if known and unusable else parsed.dictionary
        self._files[path] = _File(version, dictionary)
        return parsed.errors


def _version(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):  # a device or a pipe would never end
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(path: Path) -> ParsedDictionary:
    try:
        with path.open("rb") as file:
            return parse(file.read(MAX_BYTES + 1))
    except OSError as err:
        error = DictionaryError(0, "unreadable", f"it cannot be read: {err.strerror}")
        return ParsedDictionary(Dictionary(), (error,))


def _joined(dictionaries: Sequence[Dictionary]) -> Dictionary:
    entries: dict[str, dict[str, Entry]] = {}
    for dictionary in reversed(dictionaries):
        for language, found in dictionary.entries.items():
            entries.setdefault(language, {}).update({entry.key: entry for entry in found})
    joined = Dictionary({language: tuple(found.values()) for language, found in entries.items()})
    for language in joined.entries:
        joined.replace("", language)
    return joined


def _described(errors: Sequence[DictionaryError]) -> str:
    shown = [
        f"line {error.line}: {error.message}" if error.line else error.message
        for error in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) > _SHOWN_ERRORS:
        shown.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return "; ".join(shown)

"""The user's own pronunciations: files that are read again when they change, and written."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import (
    DictionaryChangedError,
    DictionaryRefusedError,
    NoSpaceError,
    SourceFileError,
    StoreError,
    WordNotFoundError,
)
from ...system.files import write_file
from ...system.foreign_files import read_blocks
from ...text.dictionary.editing import EditError, with_entry, without_entry
from ...text.dictionary.entries import Dictionary, Entry
from ...text.dictionary.parsing import (
    UNUSABLE,
    DictionaryError,
    ParsedDictionary,
    parse,
)

YAML_NAME = "dictionary.yaml"
FILE_NAMES = (YAML_NAME, "dictionary.pls")
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class DictionaryFile:
    """One file as last read; of one that has become unusable the last usable entries are kept."""

    path: Path
    stamp: tuple[int, ...]
    digest: str
    dictionary: Dictionary
    errors: Sequence[DictionaryError]


class UserDictionary:
    """The dictionaries of some folders as one; the first folder's entries win.

    Methods block on the disk and may be called in any thread.

    Args:
        folders: the user's, where `FILE_NAMES` may be.
        own: a folder of the server's own, whose entries win over all. Words are written there if
            the user's folders cannot be written to.
    """

    def __init__(self, folders: Iterable[Path], own: Path | None = None) -> None:
        self.current = Dictionary()
        """The entries of all files, as last read."""
        folders = tuple(folders)
        first = () if own is None else (own,)
        self._paths = [folder / name for folder in (*first, *folders) for name in FILE_NAMES]
        self._own = own
        self._writable = [folder / YAML_NAME for folder in (*folders, *first)]
        self._files: dict[Path, DictionaryFile] = {}
        self._changed: dict[Path, Sequence[DictionaryError]] = {}
        self._lock = threading.Lock()

    @property
    def files(self) -> Sequence[DictionaryFile]:
        """The files that are there, those first whose entries win."""
        return [self._files[path] for path in self._paths if path in self._files]

    @property
    def version(self) -> str:
        """Another one after every change of any file."""
        known = "\n".join(f"{file.path} {file.digest}" for file in self.files)
        return _digest(known.encode(errors="surrogateescape"))

    def entries(self) -> Iterator[tuple[str, Entry, Path]]:
        """Yield the entries that count, each with its language and its file."""
        seen: set[tuple[str, str]] = set()
        for file in self.files:
            for language, found in file.dictionary.entries.items():
                for entry in found:
                    if (language, entry.key) not in seen:
                        seen.add((language, entry.key))
                        yield language, entry, file.path

    def read(self) -> Mapping[Path, Sequence[DictionaryError]]:
        """Read the files that have changed.

        Returns:
            What is wrong in each file that has changed since the last call.
        """
        with self._lock:
            self._read()
            changed, self._changed = self._changed, {}
            return changed

    def target(self) -> Path | None:
        """Return the file that a new word is written to, if there is any."""
        return next((path for path in self._writable if self._may_write(path)), None)

    def put(self, language: str, entry: Entry, version: str) -> None:
        """Write an entry, new or in place of the one for the same word.

        Args:
            language: as in a file.
            entry: the entry.
            version: the `version` that the caller has seen.

        Raises:
            DictionaryChangedError: it is another one by now.
            DictionaryRefusedError: no file can take it.
            NoSpaceError, StoreError: the disk refuses.
        """
        with self._lock:
            self._check(version)
            holder = self._holder(language, entry.key)
            paths = self._writable
            if holder is not None:  # what is written has to win over that
                before = self._paths[: self._paths.index(holder) + 1]
                paths = [path for path in reversed(before) if path.name == YAML_NAME]
            self._edit(paths, lambda text: with_entry(text, language, entry))

    def remove(self, language: str, key: str, version: str) -> None:
        """Remove the entry that counts for a word; that of a later file counts then.

        Raises:
            WordNotFoundError: there is none.
            DictionaryChangedError, DictionaryRefusedError, NoSpaceError, StoreError: as `put`.
        """
        with self._lock:
            self._check(version)
            if (holder := self._holder(language, key)) is None:
                raise WordNotFoundError(f"{key[:60]!r} is not in the dictionary ({language})")
            if holder.name != YAML_NAME:
                raise DictionaryRefusedError(f"{holder} is changed by hand; remove the word there")
            self._edit([holder], lambda text: without_entry(text, language, key))

    def _check(self, version: str) -> None:
        self._read()
        if version != self.version:
            raise DictionaryChangedError(
                "the dictionary has changed meanwhile; look at it again, then repeat the change"
            )

    def _holder(self, language: str, key: str) -> Path | None:
        found = (
            path for code, entry, path in self.entries() if (code, entry.key) == (language, key)
        )
        return next(found, None)

    def _edit(self, paths: Sequence[Path], change: Callable[[str], str]) -> None:
        """Change the first of the files that can be changed; then all of it is read again."""
        reason = "no folder can be written to; set custom_voice_dirs"
        for path in paths:
            if not self._may_write(path):
                reason = f"{path} cannot be written to"
                continue
            try:
                text = self._text(path)
                _replace(path, change(text).encode("utf-8"))
            except EditError as err:
                reason = f"{path}: {err}"
            except OSError as err:
                if err.errno in _FULL:
                    raise NoSpaceError(f"{path}: {err.strerror}; make some room") from None
                if err.errno not in _NOT_WRITABLE:
                    raise StoreError(f"{path}: {err.strerror}") from None
                reason = f"{path} cannot be written to: {err.strerror}"
            else:
                self._read()
                return
        raise DictionaryRefusedError(reason)

    def _may_write(self, path: Path) -> bool:
        """Return whether a file may be made or replaced there, as far as that can be seen."""
        if path.is_symlink() or (path.exists() and not path.is_file()):
            return False  # a link would be replaced, and what it leads to left as it is
        folder = path.parent
        if folder == self._own:  # it is made with its first file
            folder = next(one for one in (folder, *folder.parents) if one.exists())
        return folder.is_dir() and os.access(folder, os.W_OK)

    def _text(self, path: Path) -> str:
        """Return the text of a file, which is still the one that was read."""
        known = self._files.get(path)
        data = _bytes(path) if path.exists() else b""
        if data and (known is None or known.digest != _digest(data)):
            raise DictionaryChangedError("the dictionary changes at the moment; try again")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise EditError("it is not UTF-8; save it as UTF-8") from None

    def _read(self) -> None:
        changes = {
            path: errors for path in self._paths if (errors := self._reread(path)) is not None
        }
        if changes:
            self._changed.update(changes)
            self.current = _joined([file.dictionary for file in self.files])

    def _reread(self, path: Path) -> Sequence[DictionaryError] | None:
        """Return the errors of a file that has changed, else ``None``."""
        known, stamp = self._files.get(path), _stamp(path)
        if stamp == (known.stamp if known else None):
            return None
        self._files.pop(path, None)
        if stamp is None:
            return ()
        digest, parsed = _read(path)
        unusable = any(error.code in UNUSABLE for error in parsed.errors)
        dictionary = known.dictionary if known and unusable else parsed.dictionary
        self._files[path] = DictionaryFile(path, stamp, digest, dictionary, parsed.errors)
        return parsed.errors


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what differs after a change of the file; ``None`` if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):  # a device or a pipe would never end
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(path: Path) -> tuple[str, ParsedDictionary]:
    """Return the digest and the contents of a file."""
    try:
        data = _bytes(path)
    except (OSError, SourceFileError) as err:
        reason = str(err.strerror) if isinstance(err, OSError) else str(err)
        error = DictionaryError(0, "unreadable", reason)
        return "", ParsedDictionary(Dictionary(), (error,))
    return _digest(data), parse(data)


def _bytes(path: Path) -> bytes:
    """Return the first megabyte of a regular file, which is more than a dictionary may have."""
    if not path.stat().st_size:
        return b""
    with contextlib.closing(read_blocks(path, sys.maxsize)) as blocks:
        return next(blocks)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Write a file whose mode and owner stay, if it was there."""
    before = path.stat() if path.exists() else None
    write_file(path, data)
    if before is not None:
        with contextlib.suppress(OSError):
            path.chmod(stat.S_IMODE(before.st_mode))
            os.chown(path, before.st_uid, before.st_gid)


def _joined(dictionaries: Sequence[Dictionary]) -> Dictionary:
    entries: dict[str, dict[str, Entry]] = {}
    for dictionary in reversed(dictionaries):
        for language, found in dictionary.entries.items():
            entries.setdefault(language, {}).update({entry.key: entry for entry in found})
    joined = Dictionary({language: tuple(found.values()) for language, found in entries.items()})
    for language in joined.entries:
        joined.replace("", language)
    return joined

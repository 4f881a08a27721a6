"""The user's dictionary in a running server: followed, shown, changed."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DictionaryRefusedError, WordNotFoundError
from ...reporting.issues import Issue, IssueKind
from ...system.aio import Notifier, run_in_thread
from ...text.dictionary.entries import ANY_LANGUAGE, Entry
from ...text.dictionary.parsing import DictionaryError, entry_error, is_language
from ...text.language import normalise
from ...voices.jobs import JobRunner
from .user_dictionary import UserDictionary

_SHOWN_ERRORS = 3
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """A word, what is said for it, and the file that says so."""

    language: str
    word: str
    spoken: str
    file: Path


@dataclass(frozen=True, slots=True)
class ShownError:
    """A mistake in a line of a file; line 0 is the whole file."""

    file: Path
    line: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ShownDictionary:
    """The user's dictionary."""

    version: str
    """To be sent with a change."""
    file: Path | None
    """The file that a new word is written to; null if no folder can be written to."""
    entries: Sequence[ShownEntry]
    errors: Sequence[ShownError]


class DictionaryEditor:
    """Follows the files of a dictionary, and changes them.

    Args:
        dictionary: the files.
        jobs: takes the issues of files with mistakes.
        notifier: notified after every change.
    """

    def __init__(self, dictionary: UserDictionary, jobs: JobRunner, notifier: Notifier) -> None:
        self._dictionary = dictionary
        self._jobs = jobs
        self._notifier = notifier
        self._lock = asyncio.Lock()

    async def follow(self, interval: float) -> None:
        """Read changes every `interval` seconds, with an issue for each file that has errors."""
        while True:
            await self._refresh()
            await asyncio.sleep(interval)

    async def show(self) -> ShownDictionary:
        """Return the dictionary as its files are now."""
        await self._refresh()
        return await run_in_thread(self._shown)

    async def put(self, language: str, word: str, spoken: str, version: str) -> ShownDictionary:
        """Add a word, or change what is said for it; return the dictionary then.

        Raises:
            DictionaryRefusedError: there can be no such entry, or no file can take it.
            DictionaryChangedError: `version` is not that of now.
            HardenedError: it cannot be written.
        """
        if not is_language(language):
            raise DictionaryRefusedError("a language is a code such as de or de-AT, or *")
        language = _normal(language)
        entry = _checked_entry(word, spoken)
        return await self._change(lambda: self._dictionary.put(language, entry, version))

    async def remove(self, language: str, word: str, version: str) -> ShownDictionary:
        """Remove a word; return the dictionary then.

        Raises:
            WordNotFoundError: there is no such word.
            DictionaryChangedError: `version` is not that of now.
            HardenedError: it cannot be written.
        """
        if not is_language(language):
            raise WordNotFoundError(f"{language[:20]!r} is no language")
        language = _normal(language)
        return await self._change(lambda: self._dictionary.remove(language, word, version))

    async def _change(self, change: Callable[[], None]) -> ShownDictionary:
        async with self._lock:
            try:
                await run_in_thread(change)
            finally:
                await self._refresh()
            return await run_in_thread(self._shown)

    async def _refresh(self) -> None:
        for path, errors in (await run_in_thread(self._dictionary.read)).items():
            self._jobs.issues.close(path, IssueKind.DICTIONARY)
            if errors:
                params = {"reason": _described(errors)}
                issue = Issue(IssueKind.DICTIONARY, path, errors[0].code, params)
                self._jobs.open_issue(issue)
            self._notifier.notify()

    def _shown(self) -> ShownDictionary:
        target = self._dictionary.target()
        return ShownDictionary(
            version=self._dictionary.version,
            file=target,
            entries=[
                ShownEntry(language, entry.key, entry.value, path)
                for language, entry, path in self._dictionary.entries()
            ],
            errors=[
                ShownError(file.path, error.line, error.code, error.message)
                for file in self._dictionary.files
                for error in file.errors
            ],
        )


def _normal(language: str) -> str:
    return language if language == ANY_LANGUAGE else normalise(language)


def _checked_entry(word: str, spoken: str) -> Entry:
    for field, text in (("word", word), ("spoken", spoken)):
        if any(unicodedata.category(char) in _NO_TEXT for char in text) or "\ufeff" in text:
            raise DictionaryRefusedError(f"{field} must be one line of text")
    entry = Entry(" ".join(word.split()), spoken.strip())
    if (error := entry_error(entry.key, entry.value)) is not None:
        raise DictionaryRefusedError(error[1])
    return entry


def _described(errors: Sequence[DictionaryError]) -> str:
    shown = [
        f"line {error.line}: {error.message}" if error.line else error.message
        for error in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) > _SHOWN_ERRORS:
        shown.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return "; ".join(shown)

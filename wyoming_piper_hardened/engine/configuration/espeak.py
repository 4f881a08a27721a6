"""Names of espeak's voices: those that its command takes, for a library that takes fewer.

``espeak-ng -v`` takes a voice's file, its full name, or one of the languages that it says it
speaks (``en-gb``, ``zh``, ``no``). The library that piper-tts brings does not take the last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_DEFAULT_PRIORITY: Final = 5
_FAMILY: Final = re.compile(r"[a-z]{2,3}")
_VARIANT: Final = re.compile(r"\+[A-Za-z0-9_ -]{1,40}")


class EspeakVoices:
    """The voices of espeak's data. Blocks on the disk.

    Args:
        folder: the files of its languages, ``<family>/<name>``.
    """

    def __init__(self, folder: Path) -> None:
        self._files = sorted(path for path in folder.rglob("*") if path.is_file())
        paths = (path.relative_to(folder).as_posix() for path in self._files)
        self.names = frozenset(name.lower() for path in paths for name in (path, Path(path).name))
        """Names that the library takes, in lower case."""

    @cached_property
    def languages(self) -> Mapping[str, str]:
        """The file's name for each language and each full name, in lower case."""
        found: dict[str, tuple[int, str]] = {}
        for file in self._files:
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                key, _, value = line.strip().lower().partition(" ")
                words = value.split()
                if key == "name":
                    found[value.strip()] = (0, file.name.lower())
                elif key == "language" and words:
                    number = words[1] if len(words) > 1 else ""
                    priority = int(number) if number.isdecimal() else _DEFAULT_PRIORITY
                    known = found.get(words[0])
                    if known is None or priority < known[0]:
                        found[words[0]] = (priority, file.name.lower())
        return {code: name for code, (_, name) in found.items()}

    def find(self, voice: str) -> str | None:
        """Return the name of a voice for the library; ``None`` if espeak has no such voice.

        A language that espeak does not know in that region is looked for without it (``de-at`` is
        de). A variant behind a plus sign is kept.
        """
        base, plus, variant = voice.strip().partition("+")
        if plus and not _VARIANT.fullmatch(plus + variant):
            return None
        name = base.strip().lower()
        code = name.replace("_", "-")
        family = code.partition("-")[0]
        found = self._file(name) or self._file(code)
        if found is None and _FAMILY.fullmatch(family):
            found = self._file(family)
        return None if found is None else found + plus + variant

    def _file(self, name: str) -> str | None:
        return name if name in self.names else self.languages.get(name)


@cache
def espeak_voices() -> EspeakVoices | None:
    """Return the voices that piper-tts brings; ``None`` without it. Blocks on the disk once."""
    spec = find_spec("piper")  # which does not import it
    for place in (spec and spec.submodule_search_locations) or ():
        if (folder := Path(place) / "espeak-ng-data" / "lang").is_dir():
            return EspeakVoices(folder)
    return None

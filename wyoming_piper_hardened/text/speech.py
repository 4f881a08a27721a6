"""Text as it came becomes segments, and each segment what is said.

`SpeechText` takes a request's text in whatever pieces it arrives and yields segments; `spoken`
returns the text of one as the engine should get it. Both are pure: they depend on the text and on
the profile alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from . import characters, phonemes
from .abbreviations import abbreviations
from .cleaner import clean, speakable, without_pictographs
from .language import Language, load
from .marks import ended, marks, without_signs
from .markup import emphasis
from .markup.blocks import Blocks
from .markup.early_start import EarlyStart
from .markup.pieces import Boundary, Piece, Style
from .markup.ssml import Markup, Ssml
from .markup.thoughts import Thoughts
from .numbers.scanner import scanner
from .numbers.units import units
from .profile import Profile, TextMode
from .segmenter import Segment, Segmenter
from .sentences import Sentences

_GROWTH, _ALLOWANCE = 4, 200
_PASSES, _MANY = 4, 30
_NUMBER = re.compile(r"\d+")
_UNSETTLED_SIGN = re.compile(r"[\[\]*_`~<>@€$£°%×½(){}\\]")
# Each begins with one set of characters, for which alone the text is then searched.
_UNSETTLED = re.compile(
    r"[\d.,;:!?](?:(?<=\d)(?!st\b|nd\b|rd\b|th\b)[^\s\d.,;:!?\"'”’]|(?<=[^\s\d.,(\"'“-]\d)"
    r"|(?<=[.,:;!?/=-][.,])|(?<=\s[.,;:!?])|(?<=[,;])[^\s\d]|(?<=[^\d][,;])\d|(?<=^[,;])\d)"
)


class SpeechText:
    """One request's text: `add` as it arrives, `finish` once at the end.

    Both yield lazily and must be consumed to their end before the next call.

    Args:
        profile: who speaks, and what is done to the text.
        streamed: whether the text arrives in pieces, so that an early start helps.
    """

    def __init__(self, profile: Profile, *, streamed: bool = False) -> None:
        self._plain = Segmenter(profile.max_chars) if profile.mode is TextMode.OFF else None
        language = load(profile.language)
        self._thoughts = Thoughts()
        self._markup = Markup(profile, Blocks(language.months), Ssml(profile, language))
        self._start = EarlyStart(active=streamed and profile.early_start)
        self._sentences = Sentences(language, profile.max_chars)
        self._style = Style()
        self._held: Segment | None = None

    def add(self, text: str) -> Iterator[Segment]:
        """Take more text and yield the segments it completes."""
        text = clean(text)
        if self._plain is not None:
            yield from self._plain.add(text)
            return
        for piece in self._markup.add(self._thoughts.add(text)):
            yield from self._read(piece)

    def finish(self) -> Iterator[Segment]:
        """Yield what is left."""
        if self._plain is not None:
            yield from self._plain.finish()
            return
        for piece in self._markup.add(self._thoughts.finish()):
            yield from self._read(piece)
        for piece in self._markup.finish():
            yield from self._read(piece)
        yield from self._read(Boundary())
        if self._held is not None:
            yield self._held

    def _read(self, piece: Piece) -> Iterator[Segment]:
        for part in self._start.add(piece):
            if isinstance(part, str):
                for segment in self._sentences.add(part):
                    yield from self._give(segment)
            elif isinstance(part, Style):
                for segment in self._sentences.flush(ends_sentence=False):
                    yield from self._give(segment)
                self._style = part
            else:
                for segment in self._sentences.flush(ends_sentence=part.ends_sentence):
                    yield from self._give(segment)
                if part.pause:
                    yield from self._pause(part.pause)

    def _give(self, segment: Segment) -> Iterator[Segment]:
        """Yield a segment in the style of now; in SSML once it is sure that no pause follows."""
        segment = replace(segment, rate=self._style.rate, gain=self._style.gain)
        if not self._markup.is_ssml:
            yield segment
            return
        if self._held is not None:
            yield self._held
        self._held = segment

    def _pause(self, seconds: float) -> Iterator[Segment]:
        if self._held is None:
            self._held = Segment("", ends_sentence=False)
        self._held = replace(self._held, pause=self._held.pause + seconds)
        yield from ()


def warm(language: str) -> None:
    """Read and compile what a language needs; later calls for it wait for no disk."""
    profile = Profile(language=language)
    SpeechText(profile)
    spoken(Segment("-1 °C."), profile)


def segments(text: str, profile: Profile) -> Iterator[Segment]:
    """Yield the segments of a whole text."""
    speech = SpeechText(profile)
    yield from speech.add(text)
    yield from speech.finish()


def spoken(segment: Segment, profile: Profile) -> str:
    """Return a segment's text as the engine should get it; what it has no rule for, as it came."""
    text = attempt(segment, profile)
    return speakable(segment.text) if text is None else text


def attempt(segment: Segment, profile: Profile) -> str | None:
    """Return what `spoken` does, but None where a rule fails or says far too much.

    For a caller that counts such faults; none of them may cost the listener the sentence.
    """
    if profile.mode is TextMode.OFF:
        return speakable(segment.text)
    try:
        text = _spoken(segment, profile, load(profile.language))
    except Exception:  # noqa: BLE001 - see above
        return None
    return text if len(text) <= _GROWTH * len(segment.text) + _ALLOWANCE else None


def _spoken(segment: Segment, profile: Profile, language: Language) -> str:
    parts: list[tuple[str, bool]] = []
    source = without_pictographs(characters.plain(segment.text))
    for part, is_block in phonemes.pieces(source, profile.phonemes):
        if is_block:
            parts.append((part, True))
            continue
        text = emphasis.plain(part)
        if profile.dictionary:
            text = profile.dictionary.replace(text, language.code)
        parts += [
            (piece if block else _words(piece, profile, language), block)
            for piece, block in phonemes.pieces(text, profile.phonemes)
        ]
    text = " ".join(phonemes.joined(parts).split())
    return ended(text, ends_sentence=segment.ends_sentence)


def _words(text: str, profile: Profile, language: Language) -> str:
    if profile.phoneme_type != "espeak" or not text.strip():
        return text
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    text = " ".join(without_signs(text).split())
    for _ in range(_PASSES):  # what now stands beside each other may have a meaning of its own
        done, text = text, _pass(text, profile, language)
        if text == done or not (_UNSETTLED_SIGN.search(text) or _UNSETTLED.search(text)):
            break
        if len(_NUMBER.findall(text)) > _MANY:
            return before + _with_settled_marks(text, language) + after
    return before + text + after


def _with_settled_marks(text: str, language: Language) -> str:
    """Replace marks until nothing changes, in a text with too many numbers for further passes."""
    for _ in range(_PASSES):
        done, text = text, marks(language).replace(text)
        if text == done:
            break
    return text


def _pass(text: str, profile: Profile, language: Language) -> str:
    if profile.numbers:
        text = units(language).alone(scanner(language).speak(text))
    text = marks(language).replace(abbreviations(language).replace(text))
    return emphasis.plain(text)

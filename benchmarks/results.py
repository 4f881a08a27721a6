"""Results of the measurements, as plain data. Times are seconds, memory is bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .texts import Group


class Side(StrEnum):
    """The server that a result belongs to."""

    INCUMBENT = "wyoming-piper"
    OURS = "wyoming-piper-hardened"


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to one request: complete audio, or it would have been a failure."""

    first_audio: float  # request sent → first audio-chunk with a payload
    total: float  # request sent → the event that ends it
    audio: float  # length of the audio
    cpu: float = 0.0  # of the server's whole process tree; 0 where nobody looked
    dry: float = 0.0  # silence for somebody who plays in real time from the first audio on
    checksum: int = 0  # of the samples


@dataclass(frozen=True, slots=True)
class Pair:
    """One text, spoken by both servers one after the other; `None` where the request failed."""

    text: str
    group: Group
    characters: int
    incumbent: Answer | None
    ours: Answer | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Proportional set size of a freshly started server's process tree."""

    side: Side
    characters: int
    loaded: int  # after a word
    peak: int  # while it spoke a sentence of so many characters
    loaded_anonymous: int  # of these what cannot be dropped
    peak_anonymous: int


@dataclass(frozen=True, slots=True)
class Load:
    """One start of a server; all times count from the start of its process."""

    side: Side
    first_speech: float  # until the first audio of a word that was asked for at once
    ready: float  # the same without the time that this word takes a warm server
    engine: float | None  # our engine process alone, by our API; the incumbent has none


class Told(StrEnum):
    """What the listeners of a crowd are told."""

    OWN = "each a sentence of its own"
    SAME = "all the same sentence"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Listeners who asked one server at the same moment."""

    side: Side
    told: Told
    listeners: int
    answers: tuple[Answer, ...]
    refused: int  # listeners without an answer; also counted as failures


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The first sentences of a server that never ran before: ours has an empty data folder."""

    side: Side
    throughput: float  # seconds of audio in a second, from the first audio on
    peak: int
    equal: bool  # the last request, that of the first sentence again, had the same samples


@dataclass(frozen=True, slots=True)
class Preparation:
    """One split of the voice into parts, by our process for that."""

    seconds: float
    peak: int
    parts: int  # bytes on the disk beside the stock files


@dataclass(frozen=True, slots=True)
class LongText:
    """A text without a full stop, spoken by our freshly started server."""

    characters: int
    streamed: bool
    answer: Answer
    peak: int


@dataclass(frozen=True, slots=True)
class TextStage:
    """Processor time that preparing a segment takes, for 100 characters."""

    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A request or a start that failed."""

    side: Side
    what: str
    reason: str


@dataclass(slots=True)
class Results:
    """Everything of one run."""

    requests: int = 0
    pairs: list[Pair] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    load: list[Load] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    text: TextStage | None = None
    delays: list[float] = field(default_factory=list)
    """How much later first audio came with the treatment of texts than without it."""
    first_starts: list[FirstStart] = field(default_factory=list)
    preparations: list[Preparation] = field(default_factory=list)
    slowdowns_by_server: list[float] = field(default_factory=list)
    """Time of a sentence while its server installs a voice, over that of the same one after it."""
    slowdowns_by_command: list[float] = field(default_factory=list)
    """The same while a command installs one."""
    long_texts: list[LongText] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

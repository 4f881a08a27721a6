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


@dataclass(frozen=True, slots=True)
class Load:
    """One start of a server; all times count from the start of its process."""

    side: Side
    first_speech: float  # until the first audio of a word that was asked for at once
    ready: float  # the same without the time that this word takes a warm server
    engine: float | None  # our engine process alone, by our API; the incumbent has none


@dataclass(frozen=True, slots=True)
class Crowd:
    """Listeners who asked one server at the same moment."""

    side: Side
    listeners: int
    answers: tuple[Answer, ...]
    refused: int  # listeners without an answer; also counted as failures


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
    failures: list[Failure] = field(default_factory=list)

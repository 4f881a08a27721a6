"""Answers of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...reporting.issues import Damage
from ...status.rows import Auth, IssueStatus, JobStatus, Moment


@dataclass(frozen=True, slots=True)
class Live:
    """An answer to show that the server answers."""

    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """Identity of the server, for programs that look after it.

    `server_id` is null if none could be kept. `features` are names of abilities of the API beside
    what `api` stands for. With `app` the server is a Home Assistant app, and paired by it. `auth`
    tells whether calls need a token.
    """

    server_id: str | None
    name: str
    version: str
    api: int
    features: Sequence[str]
    app: bool
    auth: Auth
    wyoming_port: int | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests that name no voice are spoken and the server stays, by whom, and the issues.

    `voice` is the default, `speaks` the voice that speaks for it, itself if nothing is wrong.
    """

    ready: bool
    draining: bool
    """Whether the server has been asked to stop."""
    voice: str
    speaks: str | None
    issues: Sequence[IssueStatus]


@dataclass(frozen=True, slots=True)
class Saturation:
    """Load and capacity of a server, for balancers that weigh."""

    streams: int
    """Requests under way."""
    capacity: float
    """Streams that can be made in real time, measured on this machine."""
    saturation: float
    """`streams` as part of `capacity`; above 1 some listeners wait."""


class VoiceState(StrEnum):
    """Where a voice is, or came from."""

    INSTALLED = "installed"
    CUSTOM = "custom"
    EMBEDDED = "embedded"
    DAMAGED = "damaged"
    """The user's own, which cannot be used and of which there is no copy."""
    AVAILABLE = "available"
    UNUSABLE = "unusable"
    """The repository has it, but it needs a phonemizer that is not here."""


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One voice; `issues` are ids. What only an installed voice has is null for the others.

    `version` names the installed files of a voice of the repository, `available_version` those that
    the repository has now; they are equal or not, and say no more. Both are null for other voices.
    """

    name: str
    language: str
    language_name: str
    country: str
    quality: str
    speakers: Sequence[str]
    number_of_speakers: int
    sample_rate: int | None
    bytes: int
    state: VoiceState
    prepared: bool | None
    version: str | None = None
    available_version: str | None = None
    default: bool = False
    issues: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ModelCardBody:
    """Model card of a voice by its maker, as plain text; nobody has checked it.

    `license` is the part of it that names the licence, null if none could be read.
    """

    license: str | None
    text: str


@dataclass(frozen=True, slots=True)
class VoiceBody:
    """One voice, and the model card that was installed with it; null if there is none."""

    voice: VoiceRow
    model_card: ModelCardBody | None


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that can be downloaded."""

    file: str
    bytes: int


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The files that are left of a voice of the user's own."""

    files: Sequence[OwnFile]


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """A language of the list of voices."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CatalogueBody:
    """The age of the repository's list of voices.

    `fetched_at` is in seconds since the epoch, null for the list that came with the program;
    `offline` forbids to fetch a newer one.
    """

    fetched_at: float | None
    offline: bool


@dataclass(frozen=True, slots=True)
class PresetRow:
    """A voice with options of its own; ``None``: as the settings say.

    A `fixed` one is written in the settings, and is changed only there.
    """

    name: str
    voice: str
    language: str | None
    """Of its voice; ``None`` as long as that is not installed."""
    default: bool
    fixed: bool
    speaker: str | None
    length_scale: float | None
    noise_scale: float | None
    noise_w_scale: float | None
    volume: float | None
    sentence_silence: float | None
    silence_before: float | None
    silence_after: float | None
    dictionary: Sequence[str]
    """Lines ``WORD = SPOKEN``, which win over the dictionary of all voices."""


@dataclass(frozen=True, slots=True)
class VoiceListBody:
    """The list of voices, and every language and quality it can be filtered by."""

    voices: Sequence[VoiceRow]
    presets: Sequence[PresetRow]
    languages: Sequence[LanguageRow]
    qualities: Sequence[str]
    catalogue: CatalogueBody


@dataclass(frozen=True, slots=True)
class Started:
    """The job that was started, or joined; a newer status has it, its end, or what goes before."""

    job: JobStatus
    as_of: Moment


@dataclass(frozen=True, slots=True)
class Installed:
    """A voice that can speak now."""

    voice: str
    prepared: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """Differences of a voice from what was committed."""

    damage: Sequence[Damage]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The voice whose installation was cancelled; a status that is newer has it no more."""

    cancelled: str
    as_of: Moment


@dataclass(frozen=True, slots=True)
class Removed:
    """The voice that was removed."""

    removed: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The issue whose suggestion was carried out."""

    applied: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """The issue that was dismissed."""

    dismissed: str


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the caller may change anything."""

    change: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """An answer that says no more than its status."""


@dataclass(frozen=True, slots=True)
class Error:
    """An error as everywhere but under ``/v1``."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The body of a failed call."""

    error: Error


@dataclass(frozen=True, slots=True)
class OpenAIError:
    """An error as OpenAI's clients know it."""

    message: str
    type: str
    param: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class OpenAIErrorBody:
    """The body of a failed call under ``/v1``."""

    error: OpenAIError

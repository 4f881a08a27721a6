"""One tree of errors.

Every error a user can meet has a stable ``code`` (kebab-case, sent on the wire and shown in the
API) and says whether asking again may help (``retryable``). A message says what happened, to
what, and what to do next; it never carries the text that was to be spoken.
"""

from __future__ import annotations

from typing import ClassVar


class HardenedError(Exception):
    """Root of every error that this program raises on purpose."""

    code: ClassVar[str] = "internal-error"
    retryable: ClassVar[bool] = False


class ConfigError(HardenedError):
    """A setting is unknown, has the wrong type or is out of range. Exit code 2."""

    code = "config-invalid"


class StartError(HardenedError):
    """The server cannot start here. Exit code 3."""

    code = "start-failed"


class AddressInUseError(StartError):
    """Another program listens where the server should."""

    code = "address-in-use"


class ProtocolError(HardenedError):
    """The peer sent bytes that are not a Wyoming event within the limits."""

    code = "protocol-error"


class EventCutShortError(ProtocolError):
    """The stream ended within an event: its sender is perhaps gone."""


class EventTooLargeError(ProtocolError):
    """An event announces more bytes than allowed; ``event_type`` is what it claims to be."""

    code = "event-too-large"

    def __init__(self, message: str, event_type: str) -> None:
        super().__init__(message)
        self.event_type = event_type


class RequestError(HardenedError):
    """This request cannot be carried out; the next one can."""

    code = "request-failed"


class BadRequestError(RequestError):
    """A field of the request is missing or not as it must be; `field` names it."""

    code = "bad-request"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotSupportedError(BadRequestError):
    """The request is for something known that this server does not make."""

    code = "not-supported"


class RequestTooLargeError(RequestError):
    """More bytes than such a request may have."""

    code = "request-too-large"


class RequestTimeoutError(RequestError):
    """The request's bytes did not come in time."""

    code = "request-timeout"


class TooManyRequestsError(RequestError):
    """More changes than are allowed within a minute."""

    code = "too-many-requests"
    retryable = True


class AccessError(RequestError):
    """This may not be done from there."""

    code = "access-refused"


class TokenError(AccessError):
    """It may be done with the right token only."""

    code = "token-needed"


class OriginError(AccessError):
    """Another origin's page asks for it, or by a host name that is not the server's."""

    code = "foreign-origin"


class TextTooLongError(RequestError):
    """More text than one request may carry."""

    code = "text-too-long"


class EmptyTextError(BadRequestError):
    """A request for speech without any text."""

    code = "empty-text"


class AudioTooLongError(RequestError):
    """More audio than can be kept until it is complete."""

    code = "audio-too-long"


class VoiceNotFoundError(RequestError):
    """No voice of that name or language is here."""

    code = "voice-not-found"


class VoiceUnconfirmedError(VoiceNotFoundError):
    """The catalogue has no such voice; the voice repository could not be asked for a newer one."""

    retryable = True


class SpeakerNotFoundError(RequestError):
    """The voice has no such speaker."""

    code = "speaker-not-found"


class OverloadedError(RequestError):
    """More requests wait than the queue may hold."""

    code = "overloaded"
    retryable = True


class TooManyConnectionsError(RequestError):
    """Every connection that the server allows is busy."""

    code = "too-many-connections"
    retryable = True


class ShuttingDownError(RequestError):
    """The server stops; the request was cut off."""

    code = "shutting-down"
    retryable = True

    def __init__(self, message: str = "the server stops; ask again when it is back") -> None:
        super().__init__(message)


class ClientGoneError(RequestError):
    """The client left, or read nothing for too long, before the audio was complete."""

    code = "client-gone"


class IdleError(RequestError):
    """The client began a stream of text and then said nothing for too long."""

    code = "idle-timeout"


class SynthesisError(RequestError):
    """The engine answered that it cannot speak this segment."""

    code = "synthesis-failed"


class PhonemesError(SynthesisError):
    """The text cannot be made into phonemes, for example because a language package is missing."""

    code = "phonemes-failed"


class PhonemizerError(RequestError):
    """The process that makes phonemes without a voice failed."""

    code = "phonemizer-unavailable"
    retryable = True


class TextQuarantinedError(RequestError):
    """The text ended two engine processes and is quarantined for a while."""

    code = "text-quarantined"


class DeadlineError(RequestError):
    """The request's next segment did not begin in time: too much is going on."""

    code = "deadline-exceeded"
    retryable = True


class VoiceUnavailableError(RequestError):
    """No worker can load the voice at present."""

    code = "voice-unavailable"
    retryable = True


class VoiceInstallingError(RequestError):
    """The voice is being installed; the request came too early."""

    code = "voice-installing"
    retryable = True


class IssueNotFoundError(RequestError):
    """An issue of that name is not open."""

    code = "issue-not-found"


class ManualActionRequiredError(RequestError):
    """Only a person can resolve the issue."""

    code = "manual-action-required"


class DictionaryChangedError(RequestError):
    """The user's dictionary is not any more what the caller has seen."""

    code = "dictionary-changed"


class DictionaryRefusedError(RequestError):
    """The entry cannot be written where it would have to be; nothing has changed."""

    code = "dictionary-refused"


class WordNotFoundError(RequestError):
    """The user's dictionary has no such word."""

    code = "word-not-found"


class VoiceError(HardenedError):
    """The files of a voice cannot be used."""

    code = "voice-invalid"


class NotInstalledError(VoiceError):
    """There is no voice of that name in the store."""

    code = "voice-not-installed"


class JobCancelledError(VoiceError):
    """The installation was cancelled; nothing has changed."""

    code = "cancelled"


class VoiceWatchedError(VoiceError):
    """The voice's files lie in a folder that is watched: it would be installed again at once."""

    code = "voice-watched"


class SourceFileError(VoiceError):
    """A file to install is missing, no regular file, too large, or cannot be read."""

    code = "source-unusable"


class VoiceUnusableError(VoiceError):
    """The files are no voice that can speak here; another attempt with the same ones fails, too."""

    code = "voice-unusable"


class VoiceConfigError(VoiceUnusableError):
    """The voice's JSON configuration cannot be understood or lacks what speech needs."""

    code = "voice-config-invalid"


class VoiceModelError(VoiceUnusableError):
    """The voice's model is not a readable ONNX model (truncated, a web page, a pointer)."""

    code = "voice-model-unreadable"


class VoiceNotPiperError(VoiceUnusableError):
    """A readable model that does not take phonemes and give audio the way Piper voices do."""

    code = "voice-not-piper"


class PhonemizerMissingError(VoiceUnusableError):
    """The voice needs a phonemizer that is not here, such as that of Japanese voices."""

    code = "phonemizer-missing"


class VoicePartsError(VoiceError):
    """The prepared parts are missing, damaged, or from another version of the preparation."""

    code = "voice-parts-invalid"


class NoSpaceError(VoiceError):
    """The disk has no room for the voice and its parts."""

    code = "no-space"


class StoreError(VoiceError):
    """The disk refuses: read-only, failing, or not ours to write."""

    code = "store-unusable"


class CatalogueError(VoiceError):
    """A catalogue of voices that cannot be believed: not JSON, wrong types, paths that lead out."""

    code = "catalogue-invalid"

"""A client of wyoming-piper-hardened's API; it knows nothing of Home Assistant."""

from .api import Client, Timeouts
from .errors import (
    CannotConnectError,
    ClientError,
    InvalidAuthError,
    NotPiperHardenedError,
    ReadOnlyError,
    ServerError,
    StreamError,
    UnsupportedApiError,
)
from .model import (
    API_VERSION,
    Action,
    Counters,
    FinishedJob,
    Info,
    InstalledVoice,
    Issue,
    IssueKind,
    Job,
    ListedVoice,
    Outcome,
    State,
    VoiceState,
)

__all__ = [
    "API_VERSION",
    "Action",
    "CannotConnectError",
    "Client",
    "ClientError",
    "Counters",
    "FinishedJob",
    "Info",
    "InstalledVoice",
    "InvalidAuthError",
    "Issue",
    "IssueKind",
    "Job",
    "ListedVoice",
    "NotPiperHardenedError",
    "Outcome",
    "ReadOnlyError",
    "ServerError",
    "State",
    "StreamError",
    "Timeouts",
    "UnsupportedApiError",
    "VoiceState",
]

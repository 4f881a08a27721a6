"""The error of a failed process."""

from __future__ import annotations

from ..engine.messages import VoiceVersion
from ..errors import HardenedError
from ..reporting.issues import Failure


class EngineFailedError(HardenedError):
    """An engine process ended, hung or broke the protocol. Seen by its supervisor alone.

    Args:
        failure: why it has to be replaced.
        permanent: it said that it cannot start, so that trying again does not help.
        loading: the voice that it was loading at that moment.
        charged: the failure is charged to a voice, a text or the machine, not to the worker.
    """

    code = "engine-failed"
    retryable = True

    def __init__(
        self,
        failure: Failure,
        *,
        permanent: bool = False,
        loading: VoiceVersion | None = None,
        charged: bool = False,
    ) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.permanent = permanent
        self.loading = loading
        self.charged = charged

"""The view for programs that look after the server and listen for ever: small, and seldom sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from ... import __version__
from ...errors import ClientGoneError, IdleError
from ...metrics import Metrics
from ...reporting.json_values import json_of
from ...status.reporter import StatusReporter
from ...status.rows import Status
from ...workers.worker import WorkerState
from ..access import AccessPolicy
from ..api.status import resident_bytes
from ..api.voice_list import VoiceList
from ..bodies.companion import (
    CompanionBody,
    CompanionCounters,
    CompanionState,
    InstalledVoice,
    LastRequest,
    WorkersRow,
)
from ..bodies.shapes import VoiceRow
from ..endpoint import Endpoint, json_body

_NO_FAILURES = frozenset({"ok", "cancelled", ClientGoneError.code, IdleError.code})
"""Outcomes of requests for which the server is not to blame."""


class CompanionView:
    """Renders the state, and counters at most once an interval.

    Args:
        status: knows the state.
        voices: knows the versions of voices.
        metrics: the counters.
        policy: decides who may see where files lie.
        interval: seconds between two renderings of the counters.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        status: StatusReporter,
        voices: VoiceList,
        metrics: Metrics,
        policy: AccessPolicy,
        *,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = status
        self._voices = voices
        self._metrics = metrics
        self._policy = policy
        self._interval = interval
        self._clock = clock
        self._counters: tuple[float, CompanionCounters] | None = None

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/companion",
                handle=self._show,
                summary="What /api/events?view=companion sends, once.",
                answers={200: json_body(CompanionBody)},
            ),
        )

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(await self.render(for_owner=self._policy.may_change(request)))

    async def render(self, *, for_owner: bool) -> Mapping[str, Any]:
        """Return the state and the counters, by the names of their events."""
        rows = await self._voices.installed()
        status = self._status.snapshot(for_owner=for_owner)
        state = CompanionState(
            server_id=self._status.identity.server_id,
            version=__version__,
            started_at=status.started_at,
            ready=status.ready,
            voice=status.voice,
            speaks=status.speaks,
            default_voice=status.default_voice.name,
            workers=WorkersRow(
                running=sum(one.state is WorkerState.RUNNING for one in status.workers),
                total=len(status.workers),
                restarts=self._metrics.total_restarts(),
            ),
            jobs=status.jobs,
            finished_jobs=tuple(self._status.jobs.finished_jobs),
            issues=status.issues,
            voices=tuple(map(_installed, rows)),
            presets=self._voices.presets(),
        )
        return {"state": json_of(state), "counters": json_of(await self._current(status))}

    async def _current(self, status: Status) -> CompanionCounters:
        """Return the counters as they were sent last, unless that is an interval ago."""
        before, now = self._counters, self._clock()
        if before is not None and now - before[0] < self._interval:
            return before[1]
        counters = await self._count(status)
        if before is None or counters != before[1]:
            self._counters = now, counters
        return counters

    async def _count(self, status: Status) -> CompanionCounters:
        memory = await asyncio.to_thread(resident_bytes)
        memory += sum(worker.memory for worker in status.workers)
        outcomes = self._metrics.requests_by_outcome()
        last = status.requests[-1] if status.requests else None
        return CompanionCounters(
            requests=sum(outcomes.values()),
            failed_requests=sum(outcomes[name] for name in outcomes.keys() - _NO_FAILURES),
            audio=round(self._metrics.total_audio(), 1),
            queue=status.queue,
            memory=memory >> 20,
            last_request=None
            if last is None
            else LastRequest(
                last.at, last.voice, last.outcome, last.first_audio, last.audio, last.duration
            ),
        )


def _installed(row: VoiceRow) -> InstalledVoice:
    return InstalledVoice(
        name=row.name,
        language=row.language,
        quality=row.quality,
        state=row.state,
        version=row.version,
        available_version=row.available_version,
    )

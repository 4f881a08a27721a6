"""Health: for watchdogs and load balancers."""

from __future__ import annotations

from aiohttp import web

from ...status import StatusReporter
from ..bodies.shapes import Live, Readiness
from ..endpoint import Access, Endpoint, json_answer, json_body

_NOT_READY = 503


class HealthEndpoints:
    """``/health/…``.

    Args:
        status: knows whether the default voice can speak, and the issues.
    """

    def __init__(self, status: StatusReporter) -> None:
        self._status = status

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        readiness = json_body(Readiness)
        return (
            Endpoint(
                method="GET",
                path="/health/live",
                handle=_live,
                summary="200 as long as the server answers at all; depends on nothing else.",
                access=Access.HEALTH,
                answers={200: json_body(Live)},
            ),
            Endpoint(
                method="GET",
                path="/health/ready",
                handle=self._ready,
                summary="200 while the default voice can speak, else 503 with the issues.",
                access=Access.HEALTH,
                answers={200: readiness, _NOT_READY: readiness},
            ),
        )

    async def _ready(self, _: web.Request) -> web.Response:
        if self._status.ready:
            return json_answer(Readiness(ready=True, issues=()))
        return json_answer(Readiness(ready=False, issues=self._status.issues()), _NOT_READY)


async def _live(_: web.Request) -> web.Response:
    return json_answer(Live(live=True))

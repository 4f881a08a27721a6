"""Health: for watchdogs and load balancers."""

from __future__ import annotations

from aiohttp import web

from ...status.reporter import StatusReporter
from ..bodies.shapes import Live, Readiness, Saturation
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
                summary="200 while requests that name no voice are spoken, by the default voice or "
                "another one in its place, else 503, as soon as the server is asked to stop, too; "
                "always with who speaks and the issues.",
                access=Access.HEALTH,
                answers={200: readiness, _NOT_READY: readiness},
            ),
            Endpoint(
                method="GET",
                path="/health/saturation",
                handle=self._saturation,
                summary="How full the server is: requests under way, and how many it can speak at "
                "once, as measured since it started.",
                access=Access.HEALTH,
                answers={200: json_body(Saturation)},
            ),
        )

    async def _ready(self, _: web.Request) -> web.Response:
        status = self._status
        readiness = Readiness(
            ready=status.ready,
            draining=status.draining,
            voice=status.library.wanted,
            speaks=status.speaks if status.resolver.can_speak else None,
            issues=status.issues(for_owner=False),
        )
        return json_answer(readiness, 200 if readiness.ready else _NOT_READY)

    async def _saturation(self, _: web.Request) -> web.Response:
        load = self._status.pool.load()
        return json_answer(Saturation(load.streams, load.capacity, load.saturation))


async def _live(_: web.Request) -> web.Response:
    return json_answer(Live(live=True))

"""Health: for watchdogs and load balancers."""

from __future__ import annotations

from aiohttp import web

from ...control import Operations
from ..endpoint import Access, Endpoint
from ..schemas import JSON, READINESS, SWITCH, record
from .status import issue_json

_OUT_OF_ORDER = 503


class Health:
    """``/health/…``.

    Args:
        operations: knows whether it can speak, and why not.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        return (
            Endpoint(
                method="GET",
                path="/health/live",
                handle=_live,
                summary="200 as long as the server answers at all; depends on nothing else.",
                access=Access.HEALTH,
                answers={200: {JSON: record({"live": SWITCH})}},
            ),
            Endpoint(
                method="GET",
                path="/health/ready",
                handle=self._ready,
                summary="200 while the default voice can speak, else 503 with the issues.",
                access=Access.HEALTH,
                answers={200: {JSON: READINESS}, _OUT_OF_ORDER: {JSON: READINESS}},
            ),
        )

    async def _ready(self, _: web.Request) -> web.Response:
        operations = self._operations
        if operations.ready:
            return web.json_response({"ready": True, "issues": []})
        issues = [issue_json(issue, operations) for issue in operations.issues()]
        return web.json_response({"ready": False, "issues": issues}, status=_OUT_OF_ORDER)


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"live": True})

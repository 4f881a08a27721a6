"""Health and figures: for watchdogs, load balancers and Prometheus."""

from __future__ import annotations

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ..metrics import Metrics
from ..operations import Operations
from .endpoint import Access, Endpoint
from .schemas import JSON, READINESS, SWITCH, TEXT, record
from .status import issue_json

_OUT_OF_ORDER = 503


class Health:
    """``/health/…`` and ``/metrics``.

    Args:
        operations: knows whether it can speak, and why not.
        metrics: what is counted.
    """

    def __init__(self, operations: Operations, metrics: Metrics) -> None:
        self._operations = operations
        self._registry = metrics.registry

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
            Endpoint(
                method="GET",
                path="/metrics",
                handle=self._metrics,
                summary="Figures in Prometheus' format.",
                answers={200: {"text/plain": TEXT}},
            ),
        )

    async def _ready(self, _: web.Request) -> web.Response:
        ready = self._operations.ready
        issues = [] if ready else [issue_json(issue) for issue in self._operations.issues()]
        return web.json_response(
            {"ready": ready, "issues": issues}, status=200 if ready else _OUT_OF_ORDER
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        # The one form that every scraper takes, whatever else it says it would.
        return web.Response(
            body=generate_latest(self._registry),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4},
        )


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"live": True})

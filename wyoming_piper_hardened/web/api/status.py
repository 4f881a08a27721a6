"""The state of the server as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psutil
from aiohttp import web

from ...control import Control
from ...reporting.json_values import json_of
from ...status.reporter import StatusReporter
from ...status.rows import Status
from ..access import AccessPolicy
from ..bodies.shapes import Empty, Permission
from ..endpoint import Access, Endpoint, json_answer, json_body


class StatusEndpoint:
    """``/api/status``, and what else concerns the server as a whole.

    Args:
        control: replaces workers.
        status: knows the state.
        policy: decides who may see where files lie, and the texts of requests, if they are kept.
    """

    def __init__(self, control: Control, status: StatusReporter, policy: AccessPolicy) -> None:
        self._control = control
        self._status = status
        self._policy = policy

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/status",
                handle=self._show,
                summary="The state: workers, queue, jobs, issues, last requests, commands and log.",
                answers={200: json_body(Status)},
            ),
            Endpoint(
                method="POST",
                path="/api/workers/restart",
                handle=self._restart,
                summary="Replace every engine process; each goes on until its successor is ready.",
                access=Access.CHANGE,
                answers={202: json_body(Empty)},
            ),
            Endpoint(
                method="GET",
                path="/api/permission",
                handle=self._permission,
                summary="Whether you may change anything from where you are.",
                answers={200: json_body(Permission)},
            ),
        )

    async def view(self, *, for_owner: bool) -> Mapping[str, Any]:
        """Return the state as it is sent in events."""
        return {"status": await self.render(for_owner=for_owner)}

    async def render(self, *, for_owner: bool, with_texts: bool = False) -> dict[str, Any]:
        """Return the state as JSON; the texts of requests only if asked for."""
        memory = await asyncio.to_thread(resident_bytes)
        status = self._status.snapshot(memory, for_owner=for_owner)
        if not with_texts:
            requests = tuple(replace(request, text=None) for request in status.requests)
            status = replace(status, requests=requests)
        found: dict[str, Any] = json_of(status)
        return found

    async def _show(self, request: web.Request) -> web.Response:
        owner = self._policy.may_change(request)
        return web.json_response(await self.render(for_owner=owner, with_texts=owner))

    async def _restart(self, _: web.Request) -> web.Response:
        self._control.restart_workers()
        return json_answer(Empty(), 202)

    async def _permission(self, request: web.Request) -> web.Response:
        return json_answer(Permission(self._policy.may_change(request)))


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return int(psutil.Process().memory_info().rss)

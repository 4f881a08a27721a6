"""The state of the server as JSON."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import psutil
from aiohttp import web

from ...control import JobStatus, Operations
from ...issues import Issue
from ...speech.synthesizer import RequestRecord
from ..endpoint import Access, Endpoint
from ..json_shapes import json_of
from ..schemas import JSON, STATUS
from .permission import Permission


class StatusEndpoint:
    """``/api/status`` and what else acts on the server as a whole.

    Args:
        operations: knows.
        permission: tells who may see what was said, if that is kept.
    """

    def __init__(self, operations: Operations, permission: Permission) -> None:
        self._operations = operations
        self._permission = permission

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        return (
            Endpoint(
                method="GET",
                path="/api/status",
                handle=self._show,
                summary="How it stands: workers, queue, work on voices, issues, last requests.",
                answers={200: {JSON: STATUS}},
            ),
            Endpoint(
                method="POST",
                path="/api/workers/restart",
                handle=self._restart,
                summary="Replace every engine process; each goes on until its successor is ready.",
                access=Access.CHANGE,
                answers={202: {JSON: {"type": "object"}}},
            ),
        )

    async def render(self, *, texts: bool = False) -> dict[str, Any]:
        """Everything, as JSON; what was said only with `texts`."""
        memory = await asyncio.to_thread(_resident_bytes)
        status = self._operations.status()
        pool = status.pool
        return {
            "version": status.version,
            "started_at": status.started_at,
            "uptime": status.uptime,
            "ready": status.ready,
            "voice": status.voice,
            "speaks": status.speaks,
            "workers": [json_of(worker) for worker in pool.workers],
            "queue": {
                "requests": pool.requests,
                "waiting_segments": pool.waiting_segments,
                "quarantined_segments": pool.quarantined_segments,
            },
            "jobs": [json_of(job) for job in status.jobs],
            "finished_jobs": [json_of(job) for job in status.finished_jobs],
            "issues": [issue_json(issue, self._operations) for issue in status.issues],
            "requests": [_record_json(record, texts=texts) for record in status.requests],
            "recent_log": [json_of(entry) for entry in status.recent_log],
            "memory": memory,
        }

    async def _show(self, request: web.Request) -> web.Response:
        texts = self._permission.may_change(request)
        return web.json_response(await self.render(texts=texts))

    async def _restart(self, _: web.Request) -> web.Response:
        self._operations.restart_workers()
        return web.json_response({}, status=202)


def issue_json(issue: Issue, operations: Operations) -> dict[str, Any]:
    """One issue, and which buttons it has."""
    return {
        "id": issue.id,
        **json_of(issue),
        "message": str(issue),
        "applicable": operations.may_apply(issue),
        "dismissible": operations.may_dismiss(issue),
    }


def job_json(work: JobStatus) -> dict[str, Any]:
    """What is being done to a voice."""
    return asdict(work)


def _record_json(record: RequestRecord, *, texts: bool) -> dict[str, Any]:
    factor = record.duration / record.audio if record.audio else None
    text = record.text if texts else None
    return {**asdict(record), "real_time_factor": factor, "text": text}


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)

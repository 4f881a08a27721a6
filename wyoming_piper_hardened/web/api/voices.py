"""Voices over HTTP: look, install, verify, repair, remove, and carry out what an issue suggests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from ...aio import cancel_and_wait
from ...catalogue.entry import Quality
from ...control import JobStatus, Operations
from ...errors import BadRequestError, HardenedError
from ...issues import Damage
from .. import request_parsing as fields
from ..endpoint import Access, Endpoint, Parameter
from ..json_shapes import json_of, schema_of
from ..schemas import JOB, JSON, SWITCH, TEXT, VOICE_NAME, VOICES, array, choice, maybe, record
from .listing import Filter, Listing
from .status import job_json

_LOGGER = logging.getLogger(__name__)

_SOON = 1.0  # seconds within which work shows, or has failed already
_YES_OR_NO = choice("", "true", "false")
_NAME = Parameter("name", "the voice", VOICE_NAME, in_path=True)
_WAIT = Parameter("wait", "whether to answer when it is done, or failed", _YES_OR_NO)
_STARTED = {JSON: record({"job": maybe(JOB)})}
_ERRORS = (404, 409, 422, 502, 503, 507)


class Voices:
    """``/api/voices…`` but for uploads, and ``/api/issues/…``.

    Job goes on although its caller leaves; `close` ends what waits for it.

    Args:
        operations: carries it out.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._listing = Listing(operations)
        self._tasks: set[asyncio.Task[Any]] = set()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        return (
            Endpoint(
                method="GET",
                path="/api/voices",
                handle=self._show,
                summary="Every voice, installed or to be had.",
                parameters=(
                    Parameter("language", "a code such as en_GB, or a family such as en"),
                    Parameter("quality", "one of its four", choice("", *Quality)),
                    Parameter("text", "words in names of voices, languages and countries"),
                    Parameter("installed", "only these, or only others", _YES_OR_NO),
                ),
                answers={200: {JSON: VOICES}},
            ),
            self._action("install", "Install a voice, or its newest version.", self._install),
            self._action("verify", "Read every byte of a voice.", self._verify),
            self._action("repair", "Verify a voice, and mend what is bad.", self._repair),
            Endpoint(
                method="POST",
                path="/api/voices/{name}/cancel",
                handle=self._cancel,
                summary="Call off the installation of a voice that is under way.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: {JSON: record({"cancelled": TEXT})}},
                errors=(404,),
            ),
            Endpoint(
                method="DELETE",
                path="/api/voices/{name}",
                handle=self._remove,
                summary="Remove a voice; if it is being installed, that is called off.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: {JSON: record({"removed": TEXT})}},
                errors=_ERRORS,
            ),
            Endpoint(
                method="POST",
                path="/api/issues/{id}/apply",
                handle=self._apply,
                summary="Carry out what an issue suggests.",
                access=Access.CHANGE,
                parameters=(Parameter("id", "the issue", in_path=True), _WAIT),
                answers={200: {JSON: record({"applied": TEXT})}, 202: _STARTED},
                errors=_ERRORS,
            ),
            Endpoint(
                method="DELETE",
                path="/api/issues/{id}",
                handle=self._dismiss,
                summary="Leave an issue as it is; only those that say they are dismissible.",
                access=Access.CHANGE,
                parameters=(Parameter("id", "the issue", in_path=True),),
                answers={200: {JSON: record({"dismissed": TEXT})}},
                errors=(404, 409),
            ),
            Endpoint(
                method="POST",
                path="/api/breakers/reset",
                handle=self._reset,
                summary="Try a voice that is refused at present, or everything, again at once.",
                access=Access.CHANGE,
                body={JSON: record({"voice": maybe(TEXT)}, needed=())},
                body_required=False,
                answers={200: {JSON: {"type": "object"}}},
                errors=(404, 408, 413),
            ),
        )

    async def close(self) -> None:
        """Nobody waits any more; the work itself belongs to the job_runner of voices."""
        await cancel_and_wait(*self._tasks)

    def _action(self, name: str, summary: str, handle: Any) -> Endpoint:
        answer = (
            record({"damage": array(schema_of(Damage))})
            if name == "verify"
            else record({"voice": TEXT, "prepared": SWITCH})
        )
        return Endpoint(
            method="POST",
            path=f"/api/voices/{{name}}/{name}",
            handle=handle,
            summary=summary,
            access=Access.CHANGE,
            parameters=(_NAME, _WAIT),
            answers={200: {JSON: answer}, 202: _STARTED},
            errors=_ERRORS,
        )

    async def _show(self, request: web.Request) -> web.Response:
        query = request.query
        quality = query.get("quality", "")
        if quality not in {"", *Quality}:
            raise BadRequestError(f"quality must be one of {', '.join(Quality)}", "quality")
        wanted = Filter(
            language=query.get("language", ""),
            quality=quality,
            text=query.get("text", ""),
            installed=fields.flag(request, "installed"),
        )
        return web.json_response(await self._listing.show(wanted))

    async def _install(self, request: web.Request) -> web.Response:
        name, wait = fields.voice_name(request.match_info["name"]), fields.flag(request, "wait")
        job = await self._operations.start_install(name)
        if wait:
            voice = await job
            return web.json_response({"voice": voice.name, "prepared": voice.prepared})
        status = JobStatus(job.voice, job.action, job.progress)
        return web.json_response({"job": job_json(status)}, status=202)

    async def _verify(self, request: web.Request) -> web.Response:
        async def do(name: str) -> dict[str, Any]:
            return {"damage": json_of(await self._operations.verify(name))}

        name = self._present_name(request)
        return await self._start(request, name, do(name))

    async def _repair(self, request: web.Request) -> web.Response:
        async def do(name: str) -> dict[str, Any]:
            voice = await self._operations.repair(name)
            return {"voice": voice.name, "prepared": voice.prepared}

        name = self._present_name(request)
        return await self._start(request, name, do(name))

    async def _cancel(self, request: web.Request) -> web.Response:
        name = fields.voice_name(request.match_info["name"])
        await self._operations.cancel(name)
        return web.json_response({"cancelled": name})

    async def _remove(self, request: web.Request) -> web.Response:
        name = fields.voice_name(request.match_info["name"])
        await self._operations.remove(name)
        return web.json_response({"removed": name})

    async def _apply(self, request: web.Request) -> web.Response:
        fields.flag(request, "wait")
        issue = self._operations.issue(request.match_info["id"])

        async def do() -> dict[str, Any]:
            await self._operations.apply(issue.id)
            return {"applied": issue.id}

        return await self._start(request, issue.subject, do())

    async def _dismiss(self, request: web.Request) -> web.Response:
        issue_id = request.match_info["id"]
        self._operations.dismiss(issue_id)
        return web.json_response({"dismissed": issue_id})

    async def _reset(self, request: web.Request) -> web.Response:
        data = await fields.read_json(request)
        fields.only(data, "voice")
        self._operations.reset_breaker(fields.text(data, "voice"))
        return web.json_response({})

    def _present_name(self, request: web.Request) -> str:
        """The voice in the path by the name it goes by today."""
        name = fields.voice_name(request.match_info["name"])
        fields.flag(request, "wait")
        if name in self._operations.synthesizer.library:
            return name
        named = (entry.name for entry in self._operations.catalogue if name in entry.aliases)
        return next(named, name)

    async def _start(
        self, request: web.Request, voice: str, work: Coroutine[Any, Any, dict[str, Any]]
    ) -> web.Response:
        """Have `work` done; answer when it is done, or as soon as it shows that it is under way."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._look_at)
        if fields.flag(request, "wait"):
            return web.json_response(await asyncio.shield(task))
        deadline = asyncio.get_running_loop().time() + _SOON
        while not task.done() and self._under_way(voice) is None:
            left = deadline - asyncio.get_running_loop().time()
            change = asyncio.create_task(self._operations.changes.wait())
            await asyncio.wait({task, change}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            await cancel_and_wait(change)
            if left <= 0:
                break
        if task.done():
            task.result()  # raises what went wrong at once
        return web.json_response({"job": self._under_way(voice)}, status=202)

    def _under_way(self, voice: str) -> dict[str, Any] | None:
        works = (work for work in self._operations.jobs() if work.voice == voice)
        return next(map(job_json, works), None)

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, HardenedError):
            _LOGGER.error("unexpected error; please report this", exc_info=error)

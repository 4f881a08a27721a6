"""Voices over HTTP: list, install, verify, repair, remove; and issues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ...aio import cancel_and_wait
from ...catalogue.entry import Quality
from ...control import JobStatus, Operations
from ...errors import BadRequestError, HardenedError
from ...events import Event
from ...store.voice import NAME_PATTERN
from ..bodies.request_body import RequestBody
from ..bodies.shapes import (
    Applied,
    Cancelled,
    Dismissed,
    Empty,
    Installed,
    Removed,
    Started,
    Verified,
    VoiceListBody,
)
from ..endpoint import JSON, Access, Endpoint, Parameter, json_answer, json_body
from ..limits import WebLimits
from ..request_parsing import checked_voice_name, query_flag
from .voice_list import VoiceFilter, VoiceList

_LOGGER = logging.getLogger(__name__)

_YES_OR_NO = {"type": "string", "enum": ["", "true", "false"]}
_QUALITY = {"type": "string", "enum": ["", *Quality]}
_VOICE_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}
_NAME = Parameter("name", "the voice", _VOICE_NAME, in_path=True)
_WAIT = Parameter("wait", "whether to answer when it is done, or failed", _YES_OR_NO)
_STARTED = json_body(Started)
_ERRORS = (404, 409, 422, 502, 503, 507)


@dataclass(frozen=True, slots=True)
class ResetBody:
    """The voice to try again; nothing for all of them."""

    voice: str | None = None


_RESET = RequestBody(ResetBody)


class VoiceEndpoints:
    """``/api/voices…`` but for uploads, ``/api/issues/…`` and ``/api/breakers/reset``.

    A job goes on although its caller leaves; `close` ends what waits for it.

    Args:
        operations: carries it out.
        limits: timeouts.
    """

    def __init__(self, operations: Operations, limits: WebLimits) -> None:
        self._operations = operations
        self._limits = limits
        self._list = VoiceList(operations)
        self._tasks: set[asyncio.Task[Any]] = set()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/voices",
                handle=self._show,
                summary="Every voice, installed or available.",
                parameters=(
                    Parameter("language", "a code such as en_GB, or a family such as en"),
                    Parameter("quality", "one of its four", _QUALITY),
                    Parameter("text", "words in names of voices, languages and countries"),
                    Parameter("installed", "only these, or only others", _YES_OR_NO),
                ),
                answers={200: json_body(VoiceListBody)},
            ),
            self._action(
                "install", "Install a voice, or its newest version.", self._install, Installed
            ),
            self._action("verify", "Read every byte of a voice.", self._verify, Verified),
            self._action(
                "repair", "Verify a voice, and repair it if needed.", self._repair, Installed
            ),
            Endpoint(
                method="POST",
                path="/api/voices/{name}/cancel",
                handle=self._cancel,
                summary="Cancel the installation of a voice.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: json_body(Cancelled)},
                errors=(404,),
            ),
            Endpoint(
                method="DELETE",
                path="/api/voices/{name}",
                handle=self._remove,
                summary="Remove a voice; if it is being installed, that is cancelled.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: json_body(Removed)},
                errors=_ERRORS,
            ),
            Endpoint(
                method="POST",
                path="/api/issues/{id}/apply",
                handle=self._apply,
                summary="Carry out what an issue suggests.",
                access=Access.CHANGE,
                parameters=(Parameter("id", "the issue", in_path=True), _WAIT),
                answers={200: json_body(Applied), 202: _STARTED},
                errors=_ERRORS,
            ),
            Endpoint(
                method="DELETE",
                path="/api/issues/{id}",
                handle=self._dismiss,
                summary="Leave an issue as it is; only those that say they are dismissible.",
                access=Access.CHANGE,
                parameters=(Parameter("id", "the issue", in_path=True),),
                answers={200: json_body(Dismissed)},
                errors=(404, 409),
            ),
            Endpoint(
                method="POST",
                path="/api/breakers/reset",
                handle=self._reset,
                summary="Try a voice that is refused at present, or everything, again at once.",
                access=Access.CHANGE,
                body={JSON: _RESET.schema},
                body_required=False,
                answers={200: json_body(Empty)},
                errors=(404, 408, 413),
            ),
        )

    async def close(self) -> None:
        """End what waits for jobs; the jobs themselves belong to the job runner."""
        await cancel_and_wait(*self._tasks)

    def _action(
        self,
        name: str,
        summary: str,
        handle: Callable[[web.Request], Awaitable[web.Response]],
        answer: type[Any],
    ) -> Endpoint:
        return Endpoint(
            method="POST",
            path=f"/api/voices/{{name}}/{name}",
            handle=handle,
            summary=summary,
            access=Access.CHANGE,
            parameters=(_NAME, _WAIT),
            answers={200: json_body(answer), 202: _STARTED},
            errors=_ERRORS,
        )

    async def _show(self, request: web.Request) -> web.Response:
        query = request.query
        quality = query.get("quality", "")
        if quality not in {"", *Quality}:
            raise BadRequestError(f"quality must be one of {', '.join(Quality)}", "quality")
        wanted = VoiceFilter(
            language=query.get("language", ""),
            quality=quality,
            text=query.get("text", ""),
            installed=query_flag(request, "installed"),
        )
        return json_answer(await self._list.show(wanted))

    async def _install(self, request: web.Request) -> web.Response:
        async def do(name: str) -> Installed:
            voice = await self._operations.install(name)
            return Installed(voice.name, voice.prepared)

        name = self._current_name(request)
        return await self._start(request, name, do(name))

    async def _verify(self, request: web.Request) -> web.Response:
        async def do(name: str) -> Verified:
            return Verified(await self._operations.verify(name))  # type: ignore[arg-type]

        name = self._current_name(request)
        return await self._start(request, name, do(name))

    async def _repair(self, request: web.Request) -> web.Response:
        async def do(name: str) -> Installed:
            voice = await self._operations.repair(name)
            return Installed(voice.name, voice.prepared)

        name = self._current_name(request)
        return await self._start(request, name, do(name))

    async def _cancel(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        await self._operations.cancel(name)
        return json_answer(Cancelled(name))

    async def _remove(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        await self._operations.remove(name)
        return json_answer(Removed(name))

    async def _apply(self, request: web.Request) -> web.Response:
        query_flag(request, "wait")
        issue = self._operations.issue(request.match_info["id"])

        async def do() -> Applied:
            await self._operations.apply(issue.id)
            return Applied(issue.id)

        return await self._start(request, issue.subject, do())

    async def _dismiss(self, request: web.Request) -> web.Response:
        issue_id = request.match_info["id"]
        self._operations.dismiss(issue_id)
        return json_answer(Dismissed(issue_id))

    async def _reset(self, request: web.Request) -> web.Response:
        body = await _RESET.read(request, self._limits.body_timeout)
        self._operations.reset_breaker(body.voice)
        return json_answer(Empty())

    def _current_name(self, request: web.Request) -> str:
        """Return the current name of the voice in the path, which may be an older one."""
        name = checked_voice_name(request.match_info["name"])
        query_flag(request, "wait")
        if name in self._operations.synthesizer.library:
            return name
        named = (entry.name for entry in self._operations.catalogue if name in entry.aliases)
        return next(named, name)

    async def _start(
        self, request: web.Request, voice: str, action: Coroutine[Any, Any, Any]
    ) -> web.Response:
        """Start an action; answer when it is done, or as soon as its job is under way."""
        task = asyncio.create_task(action)
        self._tasks.add(task)
        task.add_done_callback(self._retrieve)
        if query_flag(request, "wait"):
            return json_answer(await asyncio.shield(task))
        deadline = asyncio.get_running_loop().time() + self._limits.job_delay
        while not task.done() and self._job(voice) is None:
            left = deadline - asyncio.get_running_loop().time()
            change = asyncio.create_task(self._operations.changes.wait())
            await asyncio.wait({task, change}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            await cancel_and_wait(change)
            if left <= 0:
                break
        if task.done():
            task.result()  # raises what went wrong at once
        return json_answer(Started(self._job(voice)), 202)

    def _job(self, voice: str) -> JobStatus | None:
        return next((job for job in self._operations.jobs() if job.voice == voice), None)

    def _retrieve(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, HardenedError):
            _LOGGER.error(Event("internal-error", where="an action on a voice"), exc_info=error)

"""Voices over HTTP: list, refresh, install, verify, repair, remove; and issues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from ...catalogue.entry import Quality
from ...control import Control
from ...errors import BadRequestError
from ...status.rows import JobStatus
from ...store.voice import NAME_PATTERN, Voice
from ...voices.job import Job
from ..bodies.request_body import RequestBody
from ..bodies.shapes import (
    Applied,
    Cancelled,
    CatalogueBody,
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
from ..request_parsing import MAX_QUERY_CHARS, checked_voice_name, query_flag, query_text
from .voice_list import VoiceFilter, VoiceList

T = TypeVar("T")

_TEXT = {"type": "string", "maxLength": MAX_QUERY_CHARS}
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
    """``/api/voices…`` but for uploads, the catalogue, issues and ``/api/breakers/reset``.

    A job goes on although its caller leaves.

    Args:
        control: carries it out.
        voices: the list of voices.
        limits: timeouts.
    """

    def __init__(self, control: Control, voices: VoiceList, limits: WebLimits) -> None:
        self._control = control
        self._list = voices
        self._limits = limits

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/voices",
                handle=self._show,
                summary="Every voice, installed or available.",
                parameters=(
                    Parameter("language", "a code such as en_GB, or a family such as en", _TEXT),
                    Parameter("quality", "one of its four", _QUALITY),
                    Parameter("text", "words in names of voices, languages and countries", _TEXT),
                    Parameter("installed", "only these, or only others", _YES_OR_NO),
                ),
                answers={200: json_body(VoiceListBody)},
            ),
            Endpoint(
                method="POST",
                path="/api/catalogue/refresh",
                handle=self._refresh,
                summary="Get the voice repository's newest list of voices.",
                access=Access.CHANGE,
                parameters=(
                    Parameter("if_due", "unless it was asked within the last minute", _YES_OR_NO),
                ),
                answers={200: json_body(CatalogueBody)},
                errors=(409, 422, 502, 503),
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
            language=query_text(request, "language"),
            quality=quality,
            text=query_text(request, "text"),
            installed=query_flag(request, "installed"),
        )
        return web.json_response(text=await self._list.show(wanted))

    async def _refresh(self, request: web.Request) -> web.Response:
        await self._control.refresh_catalogue(if_due=bool(query_flag(request, "if_due")))
        return json_answer(self._list.catalogue())

    async def _install(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._control.start_install, _installed)

    async def _verify(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._control.start_verify, Verified)

    async def _repair(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._control.start_repair, _installed)

    async def _answer(
        self,
        request: web.Request,
        start: Callable[[str], Awaitable[Job[T]]],
        body: Callable[[T], Any],
    ) -> web.Response:
        """Start a job on the voice in the path; answer at once, or with `wait` when it is done."""
        name, wait = checked_voice_name(request.match_info["name"]), query_flag(request, "wait")
        job = await start(name)
        if wait:
            return json_answer(body(await job))
        return self._started(job)

    async def _cancel(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        await self._control.cancel(name)
        return json_answer(Cancelled(name, self._control.status.now()))

    async def _remove(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        await self._control.remove(name)
        return json_answer(Removed(name))

    async def _apply(self, request: web.Request) -> web.Response:
        issue_id, wait = request.match_info["id"], query_flag(request, "wait")
        job = await self._control.apply(issue_id)
        if job is not None and not wait:
            return self._started(job)
        if job is not None:
            await job
        return json_answer(Applied(issue_id))

    def _started(self, job: Job[Any]) -> web.Response:
        return json_answer(Started(JobStatus.of(job), self._control.status.now()), 202)

    async def _dismiss(self, request: web.Request) -> web.Response:
        issue_id = request.match_info["id"]
        await self._control.dismiss(issue_id)
        return json_answer(Dismissed(issue_id))

    async def _reset(self, request: web.Request) -> web.Response:
        body = await _RESET.read(request, self._limits.body_timeout)
        self._control.reset_breaker(body.voice)
        return json_answer(Empty())


def _installed(voice: Voice) -> Installed:
    return Installed(voice.name, voice.prepared)

"""The voice of requests that name none, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from ...control import Control
from ...speech.choices.default_voice import ShownDefault
from ..bodies.request_body import Note, RequestBody
from ..endpoint import JSON, Access, Endpoint, json_answer, json_body
from ..limits import WebLimits


@dataclass(frozen=True, slots=True)
class DefaultVoiceBody:
    """The voice that requests are to have that name none."""

    name: Annotated[str, Note("of an installed voice or of a preset")]


_CHOICE = RequestBody(DefaultVoiceBody)


class DefaultVoiceEndpoints:
    """``/api/default-voice``.

    Args:
        control: changes it.
        limits: timeouts.
    """

    def __init__(self, control: Control, limits: WebLimits) -> None:
        self._control = control
        self._limits = limits

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/default-voice",
                handle=self._show,
                summary="The voice of requests that name none, and where that comes from.",
                answers={200: json_body(ShownDefault)},
            ),
            Endpoint(
                method="PUT",
                path="/api/default-voice",
                handle=self._set,
                summary="Choose it, from the next request on and over restarts, until the setting "
                "voice is changed. The answer is as for GET.",
                access=Access.CHANGE,
                body={JSON: _CHOICE.schema},
                answers={200: json_body(ShownDefault)},
                errors=(404, 408, 413, 503, 507),
            ),
            Endpoint(
                method="DELETE",
                path="/api/default-voice",
                handle=self._forget,
                summary="Leave it to the setting again. The answer is as for GET.",
                access=Access.CHANGE,
                answers={200: json_body(ShownDefault)},
                errors=(507,),
            ),
        )

    async def _show(self, _: web.Request) -> web.Response:
        return json_answer(self._control.default_voice.show())

    async def _set(self, request: web.Request) -> web.Response:
        body = await _CHOICE.read(request, self._limits.body_timeout)
        await self._control.set_default_voice(body.name)
        return json_answer(self._control.default_voice.show())

    async def _forget(self, _: web.Request) -> web.Response:
        await self._control.set_default_voice(None)
        return json_answer(self._control.default_voice.show())

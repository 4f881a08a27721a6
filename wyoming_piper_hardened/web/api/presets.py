"""Presets over HTTP: listed, made, changed, removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from aiohttp import web

from ...config.presets import (
    LINE,
    LINE_LENGTH,
    MOST,
    MOST_LINES,
    NAME_LENGTH,
    preset_name,
    preset_of,
)
from ...config.types import NotAllowedError
from ...control import Control
from ...errors import BadRequestError
from ...speech.choices.errors import PresetNameError
from ...speech.presets import Presets
from ...store.voice import Voice
from ..audio.speech import NOISE, SCALE, SILENCE, VOLUME
from ..bodies.request_body import Lines, Note, RequestBody
from ..bodies.shapes import PresetRow, Removed
from ..endpoint import JSON, Access, Endpoint, Parameter, json_answer, json_body
from ..limits import WebLimits
from ..request_parsing import query_flag

_UNREACHABLE = frozenset({".", ".."})
"""Names that browsers take for parts of a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetBody:
    """A voice with options of its own; ``None`` leaves an option to the settings."""

    voice: Annotated[str, Note("the name of an installed voice", r"\S")]
    speaker: str | None = None
    length_scale: Annotated[float | None, SCALE] = None
    noise_scale: Annotated[float | None, NOISE] = None
    noise_w_scale: Annotated[float | None, NOISE] = None
    volume: Annotated[float | None, VOLUME] = None
    sentence_silence: Annotated[float | None, SILENCE] = None
    silence_before: Annotated[float | None, SILENCE] = None
    silence_after: Annotated[float | None, SILENCE] = None
    dictionary: Annotated[
        tuple[str, ...],
        Lines(MOST_LINES, LINE_LENGTH, LINE),
        Note("lines WORD = SPOKEN, which win over the dictionary of all voices"),
    ] = ()


@dataclass(frozen=True, slots=True)
class PresetList:
    """The presets, and how many there may be."""

    presets: Sequence[PresetRow]
    most: int


_PRESET = RequestBody(PresetBody)
_NAME = Parameter(
    "name",
    "of the preset; upper and lower case are the same",
    {"type": "string", "maxLength": NAME_LENGTH},
    in_path=True,
)
_CREATE = Parameter(
    "create",
    "whether to refuse a name that a preset has already",
    {"type": "string", "enum": ["", "true", "false"]},
)


class PresetEndpoints:
    """``/api/presets``.

    Args:
        control: changes them.
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
                path="/api/presets",
                handle=self._show,
                summary="The presets: those of the settings, and those made here.",
                answers={200: json_body(PresetList)},
            ),
            Endpoint(
                method="PUT",
                path="/api/presets/{name}",
                handle=self._put,
                summary="Make a preset, or change all of it; it is offered to every client at once "
                "and kept over restarts.",
                access=Access.CHANGE,
                parameters=(_NAME, _CREATE),
                body={JSON: _PRESET.schema},
                answers={200: json_body(PresetList)},
                errors=(404, 408, 409, 413, 503, 507),
            ),
            Endpoint(
                method="DELETE",
                path="/api/presets/{name}",
                handle=self._remove,
                summary="Remove a preset that was made here; a default voice that it was goes "
                "back to the setting.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: json_body(Removed)},
                errors=(404, 409, 507),
            ),
        )

    async def _show(self, _: web.Request) -> web.Response:
        return self._answer()

    async def _put(self, request: web.Request) -> web.Response:
        name, create = request.match_info["name"], bool(query_flag(request, "create"))
        body = await _PRESET.read(request, self._limits.body_timeout)
        speaker = (body.speaker or "").strip()
        try:
            preset = preset_of({"name": _checked(name), **asdict(body), "speaker": speaker})
        except NotAllowedError as err:
            raise BadRequestError(err.msg) from None
        await self._control.put_preset(preset, create=create)
        return self._answer()

    async def _remove(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        await self._control.remove_preset(name)
        return json_answer(Removed(name))

    def _answer(self) -> web.Response:
        rows = preset_rows(self._control.resolver.presets, self._control.library)
        return json_answer(PresetList(rows, MOST))


def _checked(name: str) -> str:
    """Return the name of a preset that has an address here; raises PresetNameError."""
    try:
        if (checked := preset_name(name)) not in _UNREACHABLE:
            return checked
    except ValueError:
        pass
    raise PresetNameError(f"a preset has a name of at most {NAME_LENGTH} characters in one line")


def preset_rows(presets: Presets, voices: Iterable[Voice]) -> list[PresetRow]:
    """Return the presets as they are shown, with the languages of their voices."""
    languages = {voice.name: voice.language for voice in voices}
    default = presets.default
    return [
        PresetRow(
            language=languages.get(one.voice),
            default=one is default,
            fixed=presets.find_fixed(one.name) is not None,
            **asdict(one),
        )
        for one in presets
    ]

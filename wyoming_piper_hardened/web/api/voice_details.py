"""One voice over HTTP: its row of the list, what its maker says of it, and a sample."""

from __future__ import annotations

from aiohttp import web

from ...catalogue.model_card import ModelCard, ModelCardUnknownError
from ...store.voice import NAME_PATTERN
from ...voices.offer.model_cards import ModelCards
from ...voices.offer.samples import Samples
from ..bodies.shapes import ModelCardBody, VoiceBody, VoiceState
from ..endpoint import BYTES, Access, Endpoint, Parameter, json_answer, json_body
from ..request_parsing import checked_voice_name, query_text
from .voice_list import VoiceList

_PATH = "/api/voices/{name}"
_MP3 = "audio/mpeg"
_ERRORS = (404, 409, 422, 502, 503)
_NAME = Parameter(
    "name", "the voice", {"type": "string", "pattern": f"^{NAME_PATTERN}$"}, in_path=True
)


class VoiceDetailEndpoints:
    """``GET /api/voices/{name}``, its model card and its sample.

    Args:
        voices: the list of voices.
        cards: finds model cards.
        samples: finds samples.
    """

    def __init__(self, voices: VoiceList, cards: ModelCards, samples: Samples) -> None:
        self._samples = samples
        self._voices = voices
        self._cards = cards

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path=_PATH,
                handle=self._show,
                summary="One voice; if it is installed with what its maker says of it.",
                parameters=(_NAME,),
                answers={200: json_body(VoiceBody)},
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path=f"{_PATH}/model-card",
                handle=self._card,
                summary="What the maker of a voice says of it, also before it is installed.",
                parameters=(_NAME,),
                answers={200: json_body(ModelCardBody)},
                errors=_ERRORS,
            ),
            Endpoint(
                method="GET",
                path=f"{_PATH}/sample",
                handle=self._sample,
                summary="A sample of a voice of the repository, also before it is installed.",
                access=Access.SPEAK,
                parameters=(_NAME, Parameter("speaker", "name or number; else the first")),
                answers={200: {_MP3: BYTES}},
                errors=_ERRORS,
            ),
        )

    async def _show(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        row = await self._voices.find(name)
        card = await self._cards.installed(name)
        return json_answer(VoiceBody(row, None if card is None else _body(card)))

    async def _card(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        if (await self._voices.find(name)).state is VoiceState.DAMAGED:  # nobody else has it
            raise ModelCardUnknownError(f"nothing is known of the maker of {name}")
        return json_answer(_body(await self._cards.find(name)))

    async def _sample(self, request: web.Request) -> web.Response:
        name = checked_voice_name(request.match_info["name"])
        sample = await self._samples.find(name, query_text(request, "speaker"))
        return web.Response(body=sample, content_type=_MP3)


def _body(card: ModelCard) -> ModelCardBody:
    return ModelCardBody(card.license, card.text)

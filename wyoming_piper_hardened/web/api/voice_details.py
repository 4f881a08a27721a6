"""One voice over HTTP: its row of the list, and what its maker says of it."""

from __future__ import annotations

from aiohttp import web

from ...catalogue.model_card import ModelCard, ModelCardUnknownError
from ...store.voice import NAME_PATTERN
from ...voices.offer.model_cards import ModelCards
from ..bodies.shapes import ModelCardBody, VoiceBody, VoiceState
from ..endpoint import Endpoint, Parameter, json_answer, json_body
from ..request_parsing import checked_voice_name
from .voice_list import VoiceList

_PATH = "/api/voices/{name}"
_NAME = Parameter(
    "name", "the voice", {"type": "string", "pattern": f"^{NAME_PATTERN}$"}, in_path=True
)


class VoiceDetailEndpoints:
    """``GET /api/voices/{name}`` and its model card.

    Args:
        voices: the list of voices.
        cards: finds model cards.
    """

    def __init__(self, voices: VoiceList, cards: ModelCards) -> None:
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
                errors=(404, 409, 422, 502, 503),
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


def _body(card: ModelCard) -> ModelCardBody:
    return ModelCardBody(card.license, card.text)

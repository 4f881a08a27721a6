"""``/api/dictionary``: the words that the user has told how to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from ...reporting.public import public
from ...speech.dictionary.editor import DictionaryEditor, ShownDictionary
from ..access import AccessPolicy
from ..bodies.request_body import Note, RequestBody
from ..endpoint import JSON, Access, Endpoint, Parameter, json_answer, json_body
from ..limits import WebLimits
from ..request_parsing import query_text

_LANGUAGE = "de, de-AT, or * for every language"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryBody:
    """A word, and what is said for it."""

    language: Annotated[str, Note(_LANGUAGE)]
    word: Annotated[str, Note("at most 60 characters and 4 words; in small letters any case")]
    spoken: Annotated[str, Note("at most 200 characters, or [[phonemes]]; empty is silence")]
    version: Annotated[str, Note("that of the dictionary that was shown")]


_ENTRY = RequestBody(EntryBody)


class DictionaryEndpoints:
    """Shows and changes the user's dictionary.

    Args:
        editor: does it.
        limits: timeouts.
        policy: decides who may see where the files lie.
    """

    def __init__(self, editor: DictionaryEditor, limits: WebLimits, policy: AccessPolicy) -> None:
        self._editor = editor
        self._policy = policy
        self._limits = limits

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/dictionary",
                handle=self._show,
                summary="The words of the user's dictionary, and the mistakes in its files.",
                answers={200: json_body(ShownDictionary)},
            ),
            Endpoint(
                method="PUT",
                path="/api/dictionary",
                handle=self._put,
                summary="Add a word, or change what is said for it; the answer is as for GET.",
                access=Access.CHANGE,
                body={JSON: _ENTRY.schema},
                answers={200: json_body(ShownDictionary)},
                errors=(408, 409, 413, 507),
            ),
            Endpoint(
                method="DELETE",
                path="/api/dictionary",
                handle=self._remove,
                summary="Remove a word; the answer is as for GET.",
                access=Access.CHANGE,
                parameters=(
                    Parameter("language", _LANGUAGE),
                    Parameter("word", "as it was shown"),
                    Parameter("version", "that of the dictionary that was shown"),
                ),
                answers={200: json_body(ShownDictionary)},
                errors=(404, 409, 507),
            ),
        )

    async def _show(self, request: web.Request) -> web.Response:
        shown = await self._editor.show()
        return json_answer(shown if self._policy.may_change(request) else public(shown))

    async def _put(self, request: web.Request) -> web.Response:
        body = await _ENTRY.read(request, self._limits.body_timeout)
        shown = await self._editor.put(body.language, body.word, body.spoken, body.version)
        return json_answer(shown)

    async def _remove(self, request: web.Request) -> web.Response:
        language, word, version = (
            query_text(request, name) for name in ("language", "word", "version")
        )
        return json_answer(await self._editor.remove(language, word, version))

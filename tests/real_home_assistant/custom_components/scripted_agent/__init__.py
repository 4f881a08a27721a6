"""A conversation agent for tests: it answers with the user's own words, as a language model does.

The answer comes word by word, `SECONDS_A_WORD` apart; a word like `{pause:6}` is not said, the
agent is silent for that many seconds instead.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal

from homeassistant.components import conversation
from homeassistant.components.conversation.const import DATA_COMPONENT
from homeassistant.const import MATCH_ALL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType

SECONDS_A_WORD = 0.15

WORD = re.compile(r"\S+\s*")
PAUSE = re.compile(r"\{pause:(\d+)\}\s*")


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001
    """Add the one entity, `conversation.scripted_agent`."""
    await hass.data[DATA_COMPONENT].async_add_entities([ScriptedAgent()])
    return True


class ScriptedAgent(conversation.ConversationEntity):
    """Streams its answer, so that Assist streams it on to the text-to-speech service."""

    _attr_name = "Scripted agent"
    _attr_unique_id = "scripted_agent"
    _attr_supports_streaming = True

    @property
    def supported_languages(self) -> list[str] | Literal["*"]:
        """Understand every language alike."""
        return MATCH_ALL

    async def _async_handle_message(
        self, user_input: conversation.ConversationInput, chat_log: conversation.ChatLog
    ) -> conversation.ConversationResult:
        """Play the script."""
        deltas = _deltas(user_input.text)
        async for _ in chat_log.async_add_delta_content_stream(self.entity_id, deltas):
            pass
        return conversation.async_get_result_from_chat_log(user_input, chat_log)


async def _deltas(script: str) -> AsyncGenerator[conversation.AssistantContentDeltaDict]:
    yield {"role": "assistant"}
    for word in WORD.findall(script):
        if pause := PAUSE.fullmatch(word):
            await asyncio.sleep(int(pause[1]))
        else:
            await asyncio.sleep(SECONDS_A_WORD)
            yield {"content": word}

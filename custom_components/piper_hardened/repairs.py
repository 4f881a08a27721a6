"""Fix flows: what an issue suggests, or to leave it as it is."""

from __future__ import annotations

from typing import Any

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .client import ClientError, Issue
from .coordinator import JobLostError, PiperHardenedConfigEntry, PiperHardenedCoordinator

type Result = Any
"""Of a step; its type has another name in each Home Assistant."""


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of an issue of ours."""
    data = data or {}
    return IssueFlow(str(data.get("entry_id")), str(data.get("server_issue")))


class IssueFlow(RepairsFlow):
    """Applies or dismisses an issue.

    Args:
        entry_id: of the server.
        server_issue: the issue's id there.
    """

    def __init__(self, entry_id: str, server_issue: str) -> None:
        self._entry_id = entry_id
        self._server_issue = server_issue

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> Result:
        """Offer what can be done."""
        if (coordinator := self._coordinator()) is None:
            return self.async_abort(reason="not_loaded")
        if (issue := coordinator.issue(self._server_issue)) is None:
            return self._done()
        if issue.applicable and issue.dismissible:
            return self.async_show_menu(
                step_id="init",
                menu_options=["apply", "dismiss"],
                description_placeholders=self._placeholders(issue),
            )
        if issue.applicable:
            return await self.async_step_apply()
        if issue.dismissible:
            return await self.async_step_dismiss()
        return self.async_abort(
            reason="by_hand", description_placeholders=self._placeholders(issue)
        )

    async def async_step_apply(  # noqa: PLR0911 - one for each way in which it may end
        self, user_input: dict[str, str] | None = None
    ) -> Result:
        """Carry out what the issue suggests."""
        if (coordinator := self._coordinator()) is None:
            return self.async_abort(reason="not_loaded")
        if (issue := coordinator.issue(self._server_issue)) is None:
            return self._done()
        if user_input is None:
            return self._confirm("apply", issue)
        try:
            job = await coordinator.client.apply(issue.id)
            if job is not None:
                finished = await coordinator.async_wait(job, coordinator.timings.fix)
                if finished.message:
                    return self._failed(finished.message)
        except TimeoutError:
            # Not done, but deleting it now would show it again in a moment.
            return self.async_abort(
                reason="under_way", description_placeholders=self._placeholders(issue)
            )
        except JobLostError:
            return self._failed("the server was started anew meanwhile")
        except ClientError as err:
            return self._failed(str(err))
        return self._done()

    async def async_step_dismiss(self, user_input: dict[str, str] | None = None) -> Result:
        """Leave the issue as it is."""
        if (coordinator := self._coordinator()) is None:
            return self.async_abort(reason="not_loaded")
        if (issue := coordinator.issue(self._server_issue)) is None:
            return self._done()
        if user_input is None:
            return self._confirm("dismiss", issue)
        try:
            await coordinator.client.dismiss(issue.id)
        except ClientError as err:
            return self._failed(str(err))
        return self._done()

    def _coordinator(self) -> PiperHardenedCoordinator | None:
        entry: PiperHardenedConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        loaded = entry is not None and entry.state is ConfigEntryState.LOADED
        return entry.runtime_data if entry is not None and loaded else None

    def _confirm(self, step_id: str, issue: Issue) -> Result:
        return self.async_show_form(
            step_id=step_id,
            data_schema=vol.Schema({}),
            description_placeholders=self._placeholders(issue),
        )

    def _failed(self, message: str) -> Result:
        return self.async_abort(reason="failed", description_placeholders={"message": message})

    def _done(self) -> Result:
        return self.async_create_entry(data={})

    def _placeholders(self, issue: Issue) -> dict[str, str]:
        coordinator = self._coordinator()
        server = coordinator.config_entry.title if coordinator is not None else ""
        return {"server": server, "subject": issue.subject, "message": issue.message}

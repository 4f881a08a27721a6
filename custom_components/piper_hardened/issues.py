"""The server's issues in Home Assistant's Repairs."""

from __future__ import annotations

import hashlib
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from .client import Issue, IssueKind
from .const import DOMAIN
from .coordinator import PiperHardenedConfigEntry, PiperHardenedCoordinator

_OF_NEEDED = frozenset(
    {IssueKind.MISSING, IssueKind.DAMAGED, IssueKind.UNLOADABLE, IssueKind.FAILING}
)
"""Kinds with a text of their own for a voice of the settings."""

_ALWAYS_ERRORS = frozenset({IssueKind.NO_SPACE, IssueKind.UNWRITABLE})


def issue_key(issue: Issue) -> str:
    """Return the key of an issue's texts."""
    key = str(issue.kind).replace("-", "_")
    return f"{key}_needed" if issue.needed and issue.kind in _OF_NEEDED else key


def registry_id(entry: PiperHardenedConfigEntry, issue: Issue) -> str:
    """Return the id of a server's issue in Home Assistant's registry."""
    digest = hashlib.sha1(issue.subject.encode(), usedforsecurity=False).hexdigest()[:8]
    return f"{entry.entry_id}_{issue_key(issue)}_{digest}"


@callback
def async_delete_issues(hass: HomeAssistant, entry: PiperHardenedConfigEntry) -> None:
    """Delete all issues of a server."""
    for issue_id in _registered(hass, entry):
        ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def _registered(hass: HomeAssistant, entry: PiperHardenedConfigEntry) -> list[str]:
    prefix = f"{entry.entry_id}_"
    return [
        issue_id
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and issue_id.startswith(prefix)
    ]


class IssueMirror:
    """Shows issues that stay open, and takes them away when the server has none any more.

    While the server does not answer they stay: else "ignored" would be forgotten.

    Args:
        hass: Home Assistant.
        coordinator: has the server's issues.
    """

    def __init__(self, hass: HomeAssistant, coordinator: PiperHardenedCoordinator) -> None:
        self._hass = hass
        self._coordinator = coordinator
        self._entry = coordinator.config_entry
        self._waiting: dict[str, CALLBACK_TYPE] = {}
        self._due: set[str] = set()

    @callback
    def async_start(self) -> None:
        """Follow the server until the entry is unloaded."""
        registry = ir.async_get(self._hass)
        for issue_id in _registered(self._hass, self._entry):
            if (known := registry.async_get_issue(DOMAIN, issue_id)) is not None and known.active:
                self._due.add(issue_id)  # it was shown before the entry was loaded anew
        self._follow()
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._follow))
        self._entry.async_on_unload(self._stop)

    @callback
    def _follow(self) -> None:
        if not self._coordinator.last_update_success:
            return
        issues = {
            registry_id(self._entry, issue): issue
            for issue in self._coordinator.data.state.issues
            if issue.kind is not IssueKind.STALE  # an entity of update tells that
        }
        for issue_id in self._waiting.keys() - issues.keys():
            self._waiting.pop(issue_id)()
        self._due &= issues.keys()
        for issue_id in _registered(self._hass, self._entry):
            if issue_id not in issues:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        for issue_id, issue in issues.items():
            if issue_id in self._due:
                self._show(issue_id, issue)
            elif issue_id not in self._waiting:
                self._wait(issue_id)

    @callback
    def _wait(self, issue_id: str) -> None:
        @callback
        def due(_: datetime) -> None:
            self._waiting.pop(issue_id)
            self._due.add(issue_id)
            self._follow()

        self._waiting[issue_id] = async_call_later(
            self._hass, self._coordinator.timings.issue_delay, due
        )

    @callback
    def _show(self, issue_id: str, issue: Issue) -> None:
        shown = ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id)
        busy = self._coordinator.job_of(issue.subject) is not None
        if busy and (shown is None or not shown.active):
            return
        severe = issue.needed or issue.kind in _ALWAYS_ERRORS
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={
                "entry_id": self._entry.entry_id,
                "server_issue": issue.id,
                "subject": issue.subject,
            },
            is_fixable=issue.applicable or issue.dismissible,
            severity=ir.IssueSeverity.ERROR if severe else ir.IssueSeverity.WARNING,
            translation_key=issue_key(issue),
            translation_placeholders={
                "server": self._entry.title,
                "subject": issue.subject,
                "message": issue.message,
            },
        )

    @callback
    def _stop(self) -> None:
        for cancel in self._waiting.values():
            cancel()
        self._waiting.clear()

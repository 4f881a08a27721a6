"""Issues of the server in Repairs: when they are shown, how they are fixed, when they go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    flush_store,
)

from custom_components.piper_hardened.client import IssueKind
from custom_components.piper_hardened.repairs import async_create_fix_flow
from custom_components.piper_hardened.timings import Timings

from .server import AMY, JOE, Server, issue
from .waiting import until

DOMAIN = "piper_hardened"


def shown(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the issues that are shown, by the key of their texts."""
    return {
        str(one.translation_key): one
        for one in ir.async_get(hass).issues.values()
        if one.domain == DOMAIN and one.active
    }


async def pushed(hass: HomeAssistant, entry: ConfigEntry, server: Server, *issues: Any) -> None:
    await until(lambda: server.followers == 1)
    server.state["issues"] = list(issues)
    server.push()
    ids = [one["id"] for one in issues]
    await until(lambda: [one.id for one in entry.runtime_data.data.state.issues] == ids)


async def a_minute(hass: HomeAssistant) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await hass.async_block_till_done()


async def test_issue_is_shown_after_a_minute_and_goes_when_it_is_resolved(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue())
    assert shown(hass) == {}
    await a_minute(hass)
    (found,) = shown(hass).values()
    assert (found.translation_key, found.severity) == ("damaged_needed", ir.IssueSeverity.ERROR)
    assert found.is_fixable
    assert not found.is_persistent
    assert found.translation_placeholders == {
        "server": "Piper",
        "subject": JOE,
        "message": f"{JOE} has damaged files",
    }
    await pushed(hass, loaded, server)
    await until(lambda: shown(hass) == {})


async def test_issue_that_resolves_itself_within_a_minute_is_never_shown(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue())
    await pushed(hass, loaded, server)
    await a_minute(hass)
    assert shown(hass) == {}


async def test_issue_of_what_is_being_repaired_is_not_shown_yet(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.automatic = False
    job = server.start_job("repair", JOE)
    await pushed(hass, loaded, server, issue())
    await a_minute(hass)
    assert shown(hass) == {}
    server.finish(job["id"], "failed")
    await until(lambda: shown(hass))


@pytest.mark.parametrize("kind", [*IssueKind, "of-the-future"])
async def test_every_kind_is_shown_but_that_of_updates(
    hass: HomeAssistant,
    loaded: ConfigEntry,
    server: Server,
    kind: str,
) -> None:
    plain = issue(kind, AMY, needed=False, applicable=False)
    await pushed(hass, loaded, server, plain)
    await a_minute(hass)
    found = shown(hass)
    if kind == IssueKind.STALE:
        assert found == {}
        return
    key = "other" if kind == "of-the-future" else kind.replace("-", "_")
    assert list(found) == [key]
    severe = kind in {"no-space", "unwritable"}
    severity = ir.IssueSeverity.ERROR if severe else ir.IssueSeverity.WARNING
    assert (found[key].severity, found[key].is_fixable) == (severity, False)


async def test_ignored_issue_stays_ignored(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue())
    await a_minute(hass)
    (found,) = shown(hass).values()
    ir.async_ignore_issue(hass, DOMAIN, found.issue_id, True)  # noqa: FBT003 - core's own
    assert await hass.config_entries.async_reload(loaded.entry_id)
    (found,) = shown(hass).values()  # at once, and not after another minute
    assert found.dismissed_version is not None
    await until(lambda: server.followers == 1)
    await server.stop()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "unavailable"))
    (found,) = shown(hass).values()
    await server.start()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "off"))
    (found,) = shown(hass).values()
    assert found.dismissed_version is not None


async def test_ignored_issue_stays_ignored_when_home_assistant_is_started_anew(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, hass_storage: dict[str, Any]
) -> None:
    await pushed(hass, loaded, server, issue())
    await a_minute(hass)
    (found,) = shown(hass).values()
    ir.async_ignore_issue(hass, DOMAIN, found.issue_id, True)  # noqa: FBT003 - core's own
    await hass.config_entries.async_unload(loaded.entry_id)
    await flush_store(ir.async_get(hass)._store)
    await read_stored_issues(hass)
    assert shown(hass) == {}
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert shown(hass) == {}
    await a_minute(hass)
    (again,) = shown(hass).values()
    assert again.issue_id == found.issue_id
    assert again.dismissed_version is not None
    await hass.config_entries.async_remove(loaded.entry_id)
    await flush_store(ir.async_get(hass)._store)
    stored = hass_storage["repairs.issue_registry"]["data"]["issues"]
    assert [one for one in stored if one["domain"] == DOMAIN] == []


async def read_stored_issues(hass: HomeAssistant) -> None:
    """Forget the issues of this run, and read those of the disk, as a start does."""
    hass.data.pop(ir.DATA_REGISTRY)
    await ir.async_load(hass)


async def test_disabled_or_removed_server_has_no_issues(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    for end in ("disable", "remove"):
        await pushed(hass, loaded, server, issue())
        await a_minute(hass)
        assert shown(hass)
        if end == "remove":
            await hass.config_entries.async_remove(loaded.entry_id)
        else:
            await hass.config_entries.async_set_disabled_by(
                loaded.entry_id, ConfigEntryDisabler.USER
            )
        assert shown(hass) == {}
        if end == "disable":
            await hass.config_entries.async_set_disabled_by(loaded.entry_id, None)
    assert not [one for one in ir.async_get(hass).issues.values() if one.domain == DOMAIN]


# --- fix flows ----------------------------------------------------------------------------------


async def begun(hass: HomeAssistant, entry: ConfigEntry, server_issue: str) -> Any:
    data: dict[str, Any] = {"entry_id": entry.entry_id, "server_issue": server_issue}
    flow = await async_create_fix_flow(hass, "an-issue", data)
    flow.hass, flow.handler, flow.flow_id, flow.context = hass, DOMAIN, "1", {}
    return flow


async def test_suggestion_is_carried_out(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue())
    flow = await begun(hass, loaded, f"damaged:{JOE}")
    form = await flow.async_step_init()
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "apply")
    assert (await flow.async_step_apply({}))["type"] is FlowResultType.CREATE_ENTRY
    assert ("POST", f"/api/issues/damaged:{JOE}/apply", None) in server.asked
    await until(lambda: not loaded.runtime_data.data.state.issues)
    assert (await flow.async_step_init())["type"] is FlowResultType.CREATE_ENTRY
    assert (await flow.async_step_apply({}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await flow.async_step_dismiss({}))["type"] is FlowResultType.CREATE_ENTRY


async def test_person_chooses_between_repair_and_leaving_it(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue("missing", AMY, dismissible=True))
    flow = await begun(hass, loaded, f"missing:{AMY}")
    menu = await flow.async_step_init()
    assert (menu["type"], menu["menu_options"]) == (FlowResultType.MENU, ["apply", "dismiss"])
    form = await flow.async_step_dismiss()
    assert form["step_id"] == "dismiss"
    assert (await flow.async_step_dismiss({}))["type"] is FlowResultType.CREATE_ENTRY
    assert server.state["issues"] == []


async def test_issue_that_can_only_be_left_or_only_be_resolved_by_hand(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    left = issue("option", "voice", applicable=False, dismissible=True)
    by_hand = issue("unwritable", "data_dir", applicable=False)
    await pushed(hass, loaded, server, left, by_hand)
    form = await (await begun(hass, loaded, "option:voice")).async_step_init()
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "dismiss")
    result = await (await begun(hass, loaded, "unwritable:data_dir")).async_step_init()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "by_hand")


@pytest.mark.parametrize("timings", [Timings(fix=0.5)])
async def test_failed_fix_says_why_and_long_one_that_it_goes_on(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await pushed(hass, loaded, server, issue(dismissible=True))
    flow = await begun(hass, loaded, f"damaged:{JOE}")
    server.outcome = "failed"
    result = await flow.async_step_apply({})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "failed")
    assert result["description_placeholders"] == {"message": "no room for the voice"}
    server.automatic = False
    result = await flow.async_step_apply({})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "under_way")
    for path in (f"/api/issues/damaged:{JOE}/apply", f"/api/issues/damaged:{JOE}"):
        server.refusals[path] = (409, "manual-action-required", "not that way")
    for step in (flow.async_step_apply, flow.async_step_dismiss):
        result = await step({})
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "failed")


async def test_fix_of_a_server_that_is_not_loaded_waits(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    flow = await begun(hass, loaded, f"damaged:{JOE}")
    await hass.config_entries.async_unload(loaded.entry_id)
    for step in (flow.async_step_init, flow.async_step_apply, flow.async_step_dismiss):
        result = await step()
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_loaded")


async def test_job_that_is_lost_during_a_fix_is_told(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    import asyncio  # noqa: PLC0415

    await pushed(hass, loaded, server, issue())
    server.automatic = False
    flow = await begun(hass, loaded, f"damaged:{JOE}")
    fixing = asyncio.create_task(flow.async_step_apply({}))
    await until(lambda: server.state["jobs"])
    await asyncio.sleep(0.1)
    server.state |= {"started_at": 1_790_000_500.0, "jobs": []}
    server.push()
    result = await fixing
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "failed")

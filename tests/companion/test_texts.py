"""Texts, icons and the manifest, read by Home Assistant's own loader."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from awesomeversion import AwesomeVersion
from homeassistant.components.config import config_entries as _  # noqa: F401 - is there at all
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers.icon import async_get_icons
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.helpers.translation import async_get_translations
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util.json import load_json_object

import custom_components.piper_hardened as integration
from custom_components.piper_hardened.client import IssueKind
from custom_components.piper_hardened.event import VOICE_WORK

FOLDER = Path(str(integration.__file__)).parent
DOMAIN = "piper_hardened"
LANGUAGES = ("de", "en", "es", "fr", "nl")
PLACEHOLDER = re.compile(r"\{\w+\}")


def flat(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        below = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from flat(value, below)
        else:
            yield below, value


def texts(language: str) -> dict[str, str]:
    return dict(flat(load_json_object(FOLDER / "translations" / f"{language}.json")))


def keys_in_code(name: str) -> set[str]:
    """Return every constant that is passed under that name."""
    found: set[str] = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.keyword) and node.arg == name
            if named and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    return found


def test_languages_are_those_of_the_app() -> None:
    assert sorted(path.stem for path in (FOLDER / "translations").iterdir()) == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_texts_with_the_same_placeholders(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert sorted(PLACEHOLDER.findall(other[key])) == sorted(PLACEHOLDER.findall(text)), key
        assert other[key].strip()
        assert "<" not in other[key]
        assert "[%key" not in other[key]


def test_every_key_of_the_code_has_a_text() -> None:
    english = texts("en")
    code = "\n".join(path.read_text() for path in FOLDER.glob("*.py"))
    exceptions = {key.split(".")[1] for key in english if key.startswith("exceptions.")}
    raised = keys_in_code("translation_key") & exceptions
    calls = (FOLDER / "calls.py").read_text()
    named = set(re.findall(r'"([a-z_]+)"', calls + (FOLDER / "coordinator.py").read_text()))
    actions = set(re.findall(r'"([a-z_]+)"', (FOLDER / "actions.py").read_text()))
    assert exceptions == exceptions & (raised | named | actions), "no text that is never used"
    for key in re.findall(r'(?:kind, )?key = (?:\w+, )?"(\w+)"', code):
        assert f"exceptions.{key}.message" in english, key
    for reason in re.findall(r'reason="(\w+)"', (FOLDER / "config_flow.py").read_text()):
        assert f"config.abort.{reason}" in english, reason
    for step in re.findall(r'step_id="(\w+)"', (FOLDER / "config_flow.py").read_text()):
        assert f"config.step.{step}.title" in english, step
    for error in re.findall(r'None, \{\w*"?\w+"?: "(\w+)"\}', (FOLDER / "address.py").read_text()):
        assert f"config.error.{error}" in english, error


def test_every_kind_of_issue_has_a_text_and_each_way_out_of_its_flow() -> None:
    english = texts("en")
    repairs = (FOLDER / "repairs.py").read_text()
    reasons = set(re.findall(r'reason="(\w+)"', repairs))
    assert reasons == {"by_hand", "failed", "not_loaded", "under_way"}
    for kind in IssueKind:
        if kind is IssueKind.STALE:
            continue
        key = f"issues.{str(kind).replace('-', '_')}"
        assert f"{key}.title" in english
        for step in ("init", "apply", "dismiss"):
            assert f"{key}.fix_flow.step.{step}.title" in english
        for reason in reasons:
            assert f"{key}.fix_flow.abort.{reason}" in english


async def test_entities_have_names_and_icons(hass: HomeAssistant, loaded: ConfigEntry) -> None:
    from homeassistant.helpers import entity_registry as er  # noqa: PLC0415

    english = texts("en")
    icons = load_json_object(FOLDER / "icons.json")
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    for entity in entities:
        assert f"entity.{entity.domain}.{entity.translation_key}.name" in english
        known: Any = icons["entity"]
        has_class = entity.original_device_class is not None
        assert has_class or entity.translation_key in known[entity.domain], entity
    states = "entity.event.voice_work.state_attributes.event_type.state."
    assert {key.removeprefix(states) for key in english if key.startswith(states)} == set(
        VOICE_WORK.event_types or ()
    )


async def test_actions_have_texts_icons_and_fields(
    hass: HomeAssistant, loaded: ConfigEntry
) -> None:
    english = texts("en")
    described = yaml.safe_load((FOLDER / "services.yaml").read_text())
    registered = hass.services.async_services_for_domain(DOMAIN)
    icons = (await async_get_icons(hass, "services", [DOMAIN]))[DOMAIN]
    assert set(described) == set(registered) == set(icons)
    for action, description in described.items():
        assert f"services.{action}.description" in english
        fields: dict[str, Any] = {}
        for name, field in description["fields"].items():
            fields |= field.get("fields", {name: field})
        schema = registered[action].schema
        assert schema is not None
        wanted = {str(key) for key in schema.schema}
        assert set(fields) == wanted, action
        required = {str(key) for key in schema.schema if type(key).__name__ == "Required"}
        assert {name for name, field in fields.items() if field.get("required")} == required
        for field in fields:
            assert f"services.{action}.fields.{field}.name" in english
        assert "config_entry_id" in required


@pytest.mark.parametrize("language", LANGUAGES)
async def test_texts_come_through_the_loader(
    hass: HomeAssistant, loaded: ConfigEntry, language: str
) -> None:
    for category in ("config", "entity", "exceptions", "issues", "services"):
        found = await async_get_translations(hass, language, category, [DOMAIN])
        prefix = f"component.{DOMAIN}.{category}."
        wanted = {
            f"component.{DOMAIN}.{key}" for key in texts(language) if key.startswith(f"{category}.")
        }
        assert wanted == {key for key in found if key.startswith(prefix)}


async def test_manifest_is_whole(hass: HomeAssistant, loaded: ConfigEntry) -> None:
    integration = await async_get_integration(hass, DOMAIN)
    assert integration.config_flow
    assert integration.iot_class == "local_push"
    assert integration.requirements == []
    assert integration.version is not None
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    first, second, *others = manifest
    assert (first, second) == ("domain", "name")
    assert others == sorted(others)


async def test_actions_come_through_the_loader(
    hass: HomeAssistant, loaded: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    written = yaml.safe_load((FOLDER / "services.yaml").read_text())
    assert described.keys() == written.keys()
    for action, description in described.items():
        assert description["fields"].keys() == written[action]["fields"].keys(), action
    icons = (await async_get_icons(hass, "entity", [DOMAIN]))[DOMAIN]
    assert icons == load_json_object(FOLDER / "icons.json")["entity"]
    assert not [one for one in caplog.records if DOMAIN in one.getMessage() and one.exc_info]


async def test_brand_is_ours_where_home_assistant_shows_it(
    hass: HomeAssistant, loaded: ConfigEntry, hass_client: Any
) -> None:
    """Before 2026.3 it shows a picture that stands for any integration."""
    shows = AwesomeVersion(__version__) >= "2026.3.0"
    assert shows is (find_spec("homeassistant.components.brands") is not None)
    if not shows:
        return
    assert await async_setup_component(hass, "brands", {})
    client = await hass_client()
    for name in ("icon.png", "icon@2x.png", "logo.png", "logo@2x.png"):
        answer = await client.get(f"/api/brands/integration/{DOMAIN}/{name}")
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert await answer.read() == (FOLDER / "brand" / name).read_bytes()
    dark = await client.get(f"/api/brands/integration/{DOMAIN}/dark_logo@2x.png")
    assert await dark.read() == (FOLDER / "brand" / "logo@2x.png").read_bytes()

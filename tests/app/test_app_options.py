"""Options of the app: they agree with the settings of the program, and are explained."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
import voluptuous as vol
import yaml

import wyoming_piper_hardened
from wyoming_piper_hardened import errors
from wyoming_piper_hardened.config.presets import Preset
from wyoming_piper_hardened.config.settings import LogLevel, Setting, all_settings, schema

ROOT: Final = Path(__file__).parents[2]
LANGUAGES: Final = ("en", "de", "fr", "es", "nl")

NOT_OFFERED: Final = {
    "uri": "the port of the container is fixed; the Supervisor publishes it",
    "web_uri": "likewise, for the page",
    "data_dir": "the Supervisor keeps /data",
    "web_token": "who may open Home Assistant's side bar may open the page",
    "web_trusted": "Home Assistant's ingress, and nobody else",
    "web_hosts": "likewise",
    "web_origins": "likewise",
    "zeroconf": "the Supervisor's discovery does that",
    "max_connections": "the port is Home Assistant's own; the default is generous",
    "idle_timeout": "likewise",
    "drain_accept": "no balancer stands before an app",
    "drain_timeout": "the Supervisor allows 10 s; the default stays below",
    "otel_endpoint": "no collector stands beside an app",
    "log_format": "Home Assistant shows the log as text",
    "worker_max_segments": "a means for developers; worker_memory_limit is for users",
}
"""Settings that an app's user has no use for, and why."""

OTHER_DEFAULTS: Final = {"custom_voice_dirs": ["/share/piper", "/share/piper_hardened"]}
"""Where the app differs from the bare program: the official app has its users' voices there."""


NEVER_SHOWN: Final = {"`engine-failed`", "`request-failed`"}
"""Codes of classes that only others are made of, or that a worker keeps to itself."""

RETIRED: Final = ("noise_w", "update_voices", "debug_logging")
"""Options of the official app: only what the schema names gets through the Supervisor to us."""


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


SETTINGS: Final = {setting.name: setting for setting in all_settings()}
CONFIG: Final = read_yaml("config.yaml")
OFFERED: Final = [name for name in SETTINGS if name not in NOT_OFFERED]

ELEMENT: Final = re.compile(
    r"^(?:"
    r"|bool"
    r"|url"
    r"|str(?:\((?P<s_min>\d+)?,(?P<s_max>\d+)?\))?"
    r"|int(?:\((?P<i_min>-?\d+)?,(?P<i_max>-?\d+)?\))?"
    r"|float(?:\((?P<f_min>-?\d*\.?\d+)?,(?P<f_max>-?\d*\.?\d+)?\))?"
    r"|match\((?P<match>.*)\)"
    r"|list\((?P<list>.+)\)"
    r")\??$"
)
"""The Supervisor's, without the types that are not used here."""


PARTS: Final = CONFIG["schema"]["presets"][0]


def element(name: str) -> str:
    """Return the type of an option, or of the items of a list; objects have none."""
    kind: str | list[Any] = CONFIG["schema"][name]
    item = kind[0] if isinstance(kind, list) else kind
    return item if isinstance(item, str) else ""


def bounds(name: str) -> tuple[float, float] | None:
    """Return the bounds that the Supervisor enforces."""
    match = ELEMENT.match(element(name))
    assert match is not None
    for kind in "if":
        if match[f"{kind}_min"]:
            return float(match[f"{kind}_min"]), float(match[f"{kind}_max"])
    return None


def allows(name: str, value: object) -> bool:
    """Return whether the program takes the value."""
    try:
        schema()({name: value})
    except vol.Invalid:
        return False
    return True


def test_every_setting_is_offered_or_left_out_for_a_reason() -> None:
    assert set(CONFIG["schema"]) == {*OFFERED, *RETIRED}
    assert set(NOT_OFFERED) <= set(SETTINGS)


@pytest.mark.parametrize("name", OFFERED)
def test_the_type_is_one_of_the_supervisors(name: str) -> None:
    assert ELEMENT.match(element(name))


@pytest.mark.parametrize("name", OFFERED)
def test_the_default_is_the_programs(name: str) -> None:
    """What is required has a default; what is optional is not shown until it is set."""
    optional = element(name).endswith("?")
    assert optional == (name not in CONFIG["options"])
    if not optional:
        default = SETTINGS[name].default
        expected = list(default) if isinstance(default, tuple) else default
        assert CONFIG["options"][name] == OTHER_DEFAULTS.get(name, expected)
        assert allows(name, CONFIG["options"][name])


@pytest.mark.parametrize("name", [name for name in OFFERED if bounds(name)])
def test_the_bounds_are_the_programs(name: str) -> None:
    """Found by trying: what the form lets through the program takes, and nothing is kept back."""
    found = bounds(name)
    assert found is not None
    low, high = found
    whole = element(name).startswith("int")
    step = 1 if whole else 0.01
    for bound, beyond in ((low, low - step), (high, high + step)):
        assert allows(name, int(bound) if whole else bound)
        assert not allows(name, int(beyond) if whole else beyond)
    assert whole or allows(name, (low + high) / 2)  # no whole numbers only


@pytest.mark.parametrize("name", [name for name in OFFERED if not bounds(name)])
def test_numbers_have_bounds(name: str) -> None:
    # 0 and 1 are also words for false and true; a speaker may be a number
    assert not allows(name, 2) or name == "speaker"
    assert not element(name).startswith(("int", "float"))


def test_parts_of_a_preset_are_the_programs() -> None:
    """The parts in common with the settings have the types of those."""
    assert list(PARTS) == [part.name for part in fields(Preset)]
    for name, kind in PARTS.items():
        if name not in {"name", "voice", "dictionary"}:
            assert kind.rstrip("?") == element(name).rstrip("?")
            assert kind.endswith("?")
    assert allows("presets", [{"name": "x" * 60, "voice": "y"}])
    assert not allows("presets", [{"name": "x" * 61, "voice": "y"}])
    (line,) = PARTS["dictionary"]
    assert line == "str(1,260)?"
    line = f"a = {'b' * 256}"
    assert allows("presets", [{"name": "x", "voice": "y", "dictionary": [line]}])
    assert not allows("presets", [{"name": "x", "voice": "y", "dictionary": [f"{line}b"]}])


def test_lists_are_lists_and_switches_are_switches() -> None:
    for name in OFFERED:
        setting: Setting = SETTINGS[name]
        kind = CONFIG["schema"][name]
        assert isinstance(kind, list) == isinstance(setting.default, tuple)
        assert element(name).startswith("bool") == isinstance(setting.default, bool)


def test_the_levels_of_the_log_are_the_programs() -> None:
    match = ELEMENT.match(CONFIG["schema"]["log_level"])
    assert match is not None
    assert match["list"].split("|") == [level.value for level in LogLevel]


def test_options_of_the_official_app_get_through() -> None:
    """With its types and bounds, but never asked for."""
    kinds = [CONFIG["schema"][name] for name in RETIRED]
    assert kinds == [CONFIG["schema"]["noise_w_scale"], "bool?", "bool?"]
    # its speaker is a number, ours may be a name: the Supervisor's `str` would refuse the number
    match = ELEMENT.match(CONFIG["schema"]["speaker"])
    assert match is not None
    assert re.match(match["match"], str(0))


def test_any_voice_may_be_named() -> None:
    """A fixed list would leave out voices of one's own, and those that come later."""
    assert CONFIG["schema"]["voice"] == "str"


# --- translations -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_and_port_is_explained(language: str) -> None:
    translation = read_yaml(f"translations/{language}.yaml")
    assert set(translation) == {"configuration", "network"}
    assert list(translation["configuration"]) == list(CONFIG["schema"])  # in this order, too
    assert set(translation["network"]) == set(CONFIG["ports"])
    for explained in translation["configuration"].values():
        assert set(explained) == {"name", "description"}
        assert 3 <= len(explained["name"]) <= 60
        assert explained["description"].endswith((".", ".)"))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_translations_are_translated(language: str) -> None:
    english = read_yaml("translations/en.yaml")["configuration"]
    other = read_yaml(f"translations/{language}.yaml")["configuration"]
    assert [
        name for name in other if other[name]["description"] == english[name]["description"]
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in OFFERED if bounds(name)])
def test_explanations_name_the_bounds(language: str, name: str) -> None:
    """Where a number in an explanation could be a bound, it is the right one."""
    text = read_yaml(f"translations/{language}.yaml")["configuration"][name]["description"]
    found = bounds(name)
    assert found is not None
    for low, high in re.findall(r"(\d+)(?: to | bis | à | a | tot )(\d+)", text):
        # where 0 means "choose" it is explained apart
        assert float(low) in ({0, 1} if found[0] == 0 else {found[0]})
        assert float(high) == found[1]


def test_there_are_no_other_translations() -> None:
    assert {path.stem for path in (ROOT / "translations").iterdir()} == set(LANGUAGES)


# --- documents --------------------------------------------------------------------------------


def test_the_users_guide_names_every_option() -> None:
    text = (ROOT / "DOCS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    known = {*SETTINGS, *RETIRED}
    assert [name for name in rows if name in known] == list(CONFIG["schema"])


@pytest.mark.parametrize("document", ["DOCS.md", "docs/troubleshooting.md"])
def test_every_code_is_explained(document: str) -> None:
    imported()
    text = (ROOT / document).read_text(encoding="utf-8")
    found = {f"`{code}`" for code in all_codes(errors.HardenedError)} - NEVER_SHOWN
    assert {code for code in found if code not in text} == set()


def imported() -> None:
    """Import the whole package: a class is known once its module is."""
    for module in pkgutil.walk_packages(wyoming_piper_hardened.__path__, "wyoming_piper_hardened."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def all_codes(kind: type[errors.HardenedError]) -> set[str]:
    return {kind.code}.union(*(all_codes(one) for one in kind.__subclasses__()))


def test_the_examples_in_the_users_guide_are_valid() -> None:
    text = (ROOT / "DOCS.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        assert yaml.safe_load(example)


# --- what the Supervisor makes of it ----------------------------------------------------------

"""Files of the app that Home Assistant reads: they agree with each other and with the program.

The Supervisor's own rules stand here as far as they decide whether the app installs: its patterns
for the schema, its reading of translations, its security rating.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import voluptuous as vol
import yaml

import wyoming_piper_hardened.home_assistant.errors
import wyoming_piper_hardened.hub.errors
import wyoming_piper_hardened.web.errors  # noqa: F401 - for their subclasses
from wyoming_piper_hardened import __version__, errors
from wyoming_piper_hardened.config.settings import LogLevel, Setting, all_settings, schema

ROOT: Final = Path(__file__).parents[2]
LANGUAGES: Final = ("en", "de", "fr", "es", "nl")

NOT_OFFERED: Final = {
    "uri": "the port of the container is fixed; the Supervisor publishes it",
    "web_uri": "likewise, for the page",
    "data_dir": "the Supervisor keeps /data",
    "web_token": "who may open Home Assistant's side bar may open the page",
    "web_trusted": "Home Assistant's ingress, and nobody else",
    "zeroconf": "the Supervisor's discovery does that",
    "max_connections": "the port is Home Assistant's own; the default is generous",
    "idle_timeout": "likewise",
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


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml("config.yaml")
    return loaded


SETTINGS: Final = {setting.name: setting for setting in all_settings()}
CONFIG: Final = read_yaml("config.yaml")
OFFERED: Final = [name for name in SETTINGS if name not in NOT_OFFERED]

# --- options ----------------------------------------------------------------------------------

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


def element(name: str) -> str:
    """Return the type of an option, or of the items of a list."""
    kind: str | list[str] = CONFIG["schema"][name]
    return kind[0] if isinstance(kind, list) else kind


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
    assert not allows(name, 1) or name == "speaker"  # which may be a number
    assert not element(name).startswith(("int", "float"))


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
    text = (ROOT / document).read_text(encoding="utf-8")
    found = {f"`{code}`" for code in all_codes(errors.HardenedError)} - NEVER_SHOWN
    assert {code for code in found if code not in text} == set()


def all_codes(kind: type[errors.HardenedError]) -> set[str]:
    return {kind.code}.union(*(all_codes(one) for one in kind.__subclasses__()))


def test_the_examples_in_the_users_guide_are_valid() -> None:
    text = (ROOT / "DOCS.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        assert yaml.safe_load(example)


# --- what the Supervisor makes of it ----------------------------------------------------------


def security_rating(config: dict[str, Any], *, profile: bool) -> int:
    """As the Supervisor counts: 1 is the worst, 8 the best."""
    rating = 5
    if config.get("apparmor", True) is False:
        rating -= 1
    elif profile:
        rating += 1
    if config.get("ingress"):
        rating += 2
    elif config.get("auth_api"):
        rating += 1
    dangerous = {
        *("BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "PERFMON"),
        *("SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"),
    }
    privileged = set(config.get("privileged", []))
    if privileged & dangerous or config.get("kernel_modules"):
        rating -= 1
    rating -= {"manager": 1, "admin": 2}.get(config.get("hassio_role", "default"), 0)
    rating -= 1 if config.get("host_network") else 0
    rating -= 2 if config.get("host_pid") else 0
    rating -= 1 if config.get("host_uts") and "SYS_ADMIN" in privileged else 0
    if config.get("docker_api") or config.get("full_access"):
        rating = 1
    return max(min(8, rating), 1)


def test_the_security_rating_is_the_best_there_is(config: dict[str, Any]) -> None:
    assert security_rating(config, profile=(ROOT / "apparmor.txt").exists()) == 8
    assert security_rating(config | {"host_network": True}, profile=True) == 7


def test_no_rights_are_asked_for(config: dict[str, Any]) -> None:
    rights = {
        *("audio", "auth_api", "devices", "docker_api", "full_access", "gpio", "hassio_api"),
        *("hassio_role", "homeassistant_api", "host_dbus", "host_ipc", "host_network", "host_pid"),
        *("host_uts", "kernel_modules", "privileged", "realtime", "uart", "udev", "usb", "video"),
    }
    assert rights & set(config) == set()


def test_what_is_promised_elsewhere(config: dict[str, Any]) -> None:
    assert config["slug"] == "piper_hardened"
    assert config["version"] == __version__
    assert config["arch"] == ["aarch64", "amd64"]
    assert config["discovery"] == ["wyoming", "piper_hardened"]
    assert config["init"]
    assert config["stdin"]
    assert config["ports"] == {"10200/tcp": None}
    assert config["map"] == ["share:rw"]
    assert "image" not in config  # it is built where it is installed


def test_the_watchdog_asks_the_page(config: dict[str, Any]) -> None:
    """Ports need not be published for it: the Supervisor asks the container itself."""
    pattern = r"^(?:https?|\[PROTO:\w+\]|tcp):\/\/\[HOST\]:(\[PORT:\d+\]|\d+).*$"
    assert re.match(pattern, config["watchdog"])
    assert f"[PORT:{config['ingress_port']}]/health/live" in config["watchdog"]


def test_models_are_not_backed_up(config: dict[str, Any]) -> None:
    excluded = config["backup_exclude"]

    def kept(name: str) -> bool:
        return not any(Path("/data", name).match(pattern) for pattern in excluded)

    assert not kept("voices/de_DE-thorsten-medium/0123/de_DE-thorsten-medium.onnx")
    assert not kept("voices/de_DE-thorsten-medium/0123/encoder.onnx")
    assert not kept("quarantine")
    assert kept("voices/de_DE-thorsten-medium/0123/manifest.json")
    assert kept("options.json")


def test_no_other_file_is_taken_for_an_app() -> None:
    """The Supervisor searches the whole repository for config.* and reads each as an app."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    taken = [p for p in tracked if re.fullmatch(r"(.*/)?config\.(json|ya?ml)", p)]
    assert taken == ["config.yaml"]


def test_the_repository_is_one(config: dict[str, Any]) -> None:
    repository = read_yaml("repository.yaml")
    assert repository["name"] == config["name"]


# --- pictures, profile, image -----------------------------------------------------------------


def picture_size(name: str) -> tuple[int, int]:
    data = (ROOT / name).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_the_pictures_have_the_sizes_that_are_asked_for() -> None:
    assert picture_size("icon.png") == (128, 128)
    width, height = picture_size("logo.png")
    assert height == 128
    assert width > 2 * height


def test_there_is_one_profile() -> None:
    """The Supervisor renames the one line it knows, and refuses none or two."""
    text = (ROOT / "apparmor.txt").read_text(encoding="utf-8")
    assert re.findall(r"^profile ([^ ]+).*$", text, re.MULTILINE) == [CONFIG["slug"]]
    assert text.count(CONFIG["slug"]) == 1  # every other mention would keep the old name


@pytest.mark.skipif(shutil.which("apparmor_parser") is None, reason="needs apparmor_parser")
def test_the_profile_can_be_read() -> None:
    parsed = subprocess.run(
        ["apparmor_parser", "--skip-kernel-load", "--skip-cache", str(ROOT / "apparmor.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert parsed.returncode == 0, parsed.stderr


def test_the_image_has_what_the_supervisor_looks_for() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "ARG BUILD_FROM=debian:trixie-slim" in text
    assert f"ARG BUILD_VERSION={__version__}" in text
    assert f'io.hass.name="{CONFIG["name"]}"' in text
    assert f'io.hass.description="{CONFIG["description"]}"' in text
    assert 'io.hass.type="app"' in text
    assert 'ENTRYPOINT ["wyoming-piper-hardened"]' in text
    assert 'CMD ["app"]' in text


def test_the_image_gets_only_what_it_needs() -> None:
    """Whatever is not named stays out: a clone may hold gigabytes beside the program."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied: set[str] = set()
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= {source.split("/")[0] for source in line.split()[1:-1]}
    assert named == copied


def test_compose_starts_the_same_image() -> None:
    service = read_yaml("deploy/compose.yaml")["services"]["wyoming-piper-hardened"]
    assert service["build"] == ".."
    for variable in service["environment"]:
        assert variable.removeprefix("WPH_").lower() in SETTINGS

"""Files of the app that Home Assistant reads: they agree with each other and with the program.

The Supervisor's own rules stand here as far as they decide whether the app installs: its security
rating, its search for apps.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import wyoming_piper_hardened.home_assistant.errors
import wyoming_piper_hardened.hub.errors
import wyoming_piper_hardened.web.errors  # noqa: F401 - for their subclasses
from wyoming_piper_hardened import __version__
from wyoming_piper_hardened.config.settings import all_settings
from wyoming_piper_hardened.store.origin import Origin, OriginKind

ROOT: Final = Path(__file__).parents[2]


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml("config.yaml")
    return loaded


CONFIG: Final = read_yaml("config.yaml")


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
    # Without one it is built where it is installed; script/release adds it.
    assert re.fullmatch(r"ghcr\.io/[a-z0-9-]+/[a-z0-9._-]+", config.get("image", "ghcr.io/a/b"))


def test_the_watchdog_asks_the_page(config: dict[str, Any]) -> None:
    """Ports need not be published for it: the Supervisor asks the container itself."""
    pattern = r"^(?:https?|\[PROTO:\w+\]|tcp):\/\/\[HOST\]:(\[PORT:\d+\]|\d+).*$"
    assert re.match(pattern, config["watchdog"])
    assert f"[PORT:{config['ingress_port']}]/health/live" in config["watchdog"]


def test_backups_have_what_nobody_else_has(config: dict[str, Any]) -> None:
    excluded = config["backup_exclude"]

    def kept(name: str) -> bool:
        return not any(Path("/data", name).match(pattern) for pattern in excluded)

    for kind in (OriginKind.HUB, OriginKind.EMBEDDED):
        version = f"voices/de_DE-thorsten-medium/0123-ab.{Origin(kind, '').prefix}"
        assert not kept(f"{version}/de_DE-thorsten-medium.onnx")
        assert not kept(f"{version}/encoder.onnx")
        assert kept(f"{version}/manifest.json")
    own = f"voices/my.hub/0123-ab.{Origin(OriginKind.CUSTOM, '').prefix}"
    assert kept(f"{own}/my.hub.onnx")
    assert kept(f"{own}/encoder.onnx")
    assert kept("voices/my/0123-ab/my.onnx")  # of an earlier release, whatever its origin
    assert not kept("quarantine")
    assert not kept("companion-token")  # a secret; Home Assistant pairs again
    assert kept("server-id")
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
    names = {setting.name for setting in all_settings()}
    for variable in service["environment"]:
        assert variable.removeprefix("WPH_").lower() in names

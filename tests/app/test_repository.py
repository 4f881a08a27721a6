"""One repository for the app, the package and the integration: none disturbs another."""

from __future__ import annotations

import json
import struct
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

from wyoming_piper_hardened import __version__

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "piper_hardened"
HACS_KEYS = {"name", "homeassistant", "hacs", "content_in_root", "filename", "zip_release"} | {
    *("hide_default_branch", "persistent_directory", "render_readme", "country")
}


def files() -> list[Path]:
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [Path(line) for line in found.stdout.splitlines()]


def read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_supervisor_finds_one_app_and_one_repository() -> None:
    """It takes every such file for one, at any depth."""
    special = [path for path in files() if path.suffix in {".yaml", ".yml", ".json"}]
    assert [path for path in special if path.stem == "config"] == [Path("config.yaml")]
    assert [path for path in special if path.stem == "repository"] == [Path("repository.yaml")]
    assert not [path for path in special if path.stem == "build"]


def test_marketplace_finds_one_integration() -> None:
    folders = {path.parts[1] for path in files() if path.parts[0] == "custom_components"}
    assert folders == {"piper_hardened"}
    assert read_json(ROOT / "hacs.json").keys() <= HACS_KEYS
    manifest = read_json(INTEGRATION / "manifest.json")
    needed = {"domain", "name", "documentation", "issue_tracker", "codeowners", "version"}
    assert manifest.keys() >= needed
    assert manifest["domain"] == "piper_hardened"


def test_versions_are_equal() -> None:
    app = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    manifest = read_json(INTEGRATION / "manifest.json")
    assert app["version"] == manifest["version"] == __version__


def test_oldest_home_assistant_is_that_of_the_app() -> None:
    app = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert app["homeassistant"] == read_json(ROOT / "hacs.json")["homeassistant"]


def test_integration_is_no_part_of_image_wheel_and_sdist() -> None:
    """Home Assistant gets it from the repository, never from a package."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith("!") and "custom" in line]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = project["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"] == {"packages": ["wyoming_piper_hardened"]}
    sdist = targets["sdist"]
    assert sdist["include"], "without a list everything is included"
    assert not [path for path in sdist["include"] if "custom_components" in path]
    assert set(sdist["exclude"]) == {"/tests/companion", "/tests/companion_client"}


def test_brand_has_the_sizes_of_home_assistant() -> None:
    """And no others: for dark themes Home Assistant takes these, whose colours suit both."""
    sizes = {}
    for path in (INTEGRATION / "brand").iterdir():
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        sizes[path.name] = struct.unpack(">II", data[16:24])
    assert sizes == {
        "icon.png": (256, 256),
        "icon@2x.png": (512, 512),
        "logo.png": (604, 128),
        "logo@2x.png": (1208, 256),
    }
    logo = (INTEGRATION / "brand" / "logo.png").read_bytes()
    assert logo == (ROOT / "logo.png").read_bytes(), "both are of script/draw-icons"


def test_languages_are_those_of_the_app() -> None:
    ours = {path.stem for path in (INTEGRATION / "translations").glob("*.json")}
    assert ours == {path.stem for path in (ROOT / "translations").glob("*.yaml")}

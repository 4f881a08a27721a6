"""`script/release`: one commit with the version everywhere, one tag, and nothing when refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OWNER = "Some-One/speech"
AUTHOR = {
    f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone whose changelog has a section for 0.2.0, before which there was 0.1.0."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(f"# Changelog\n\n## 0.2.0 (unreleased)\n\n- New.\n\n{text}", "utf-8")
    git(folder, "commit", "--quiet", "--all", "--message", "Prepare")
    git(folder, "tag", "v0.1.0")
    return folder


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **AUTHOR},
    )
    return done.stdout.strip()


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["script/release", *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **AUTHOR},
    )


def test_release_is_one_commit_and_one_tag_with_one_version(clone: Path) -> None:
    before = git(clone, "rev-parse", "HEAD")
    done = release(clone, "0.2.0", "--repository", OWNER)
    assert done.returncode == 0, done.stderr
    assert git(clone, "rev-list", f"{before}..HEAD").count("\n") == 0
    assert git(clone, "rev-parse", "v0.2.0^{commit}") == git(clone, "rev-parse", "HEAD") != before
    assert git(clone, "cat-file", "-t", "v0.2.0") == "tag"
    assert not git(clone, "status", "--porcelain")
    app = yaml.safe_load((clone / "config.yaml").read_text(encoding="utf-8"))
    assert (app["version"], app["image"]) == ("0.2.0", "ghcr.io/some-one/speech")
    integration = clone / "custom_components" / "piper_hardened" / "manifest.json"
    manifest = json.loads(integration.read_text(encoding="utf-8"))
    assert manifest["version"] == "0.2.0"
    assert manifest["codeowners"] == ["@Some-One"]
    assert manifest["issue_tracker"] == f"https://github.com/{OWNER}/issues"
    assert '__version__ = "0.2.0"' in (clone / "wyoming_piper_hardened/__init__.py").read_text()
    assert "\nARG BUILD_VERSION=0.2.0\n" in (clone / "Dockerfile").read_text(encoding="utf-8")
    changelog = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.count("\n## 0.2.0 (20") == 1
    assert "## 0.2.0 (unreleased)" not in changelog


def test_second_release_replaces_the_image(clone: Path) -> None:
    release(clone, "0.2.0", "--repository", OWNER)
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(f"## 0.10.0 (unreleased)\n\n{changelog.read_text('utf-8')}", "utf-8")
    git(clone, "commit", "--quiet", "--all", "--message", "Prepare")
    done = release(clone, "0.10.0", "--repository", "other/speech")
    assert done.returncode == 0, done.stderr
    lines = (clone / "config.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("image:")] == ["image: ghcr.io/other/speech"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0.2",), "is not a version"),
        (("v0.2.0",), "is not a version"),
        (("0.2.0; true",), "is not a version"),
        ((), "is not a version"),
        (("0.2.0",), "is not OWNER/NAME"),
        (("0.2.0", "--repository", "x|y/z"), "is not OWNER/NAME"),
        (("0.0.9", "--repository", OWNER), "older than v0.1.0"),
        (("0.1.0", "--repository", OWNER), "there is a tag v0.1.0"),
        (("0.3.0", "--repository", OWNER), "no line '## 0.3.0 (unreleased)'"),
        (("0.2.0", "--push"), "unknown argument"),
    ],
)
def test_what_cannot_be_released_changes_nothing(
    clone: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = git(clone, "rev-parse", "HEAD")
    done = release(clone, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert git(clone, "rev-parse", "HEAD") == before
    assert not git(clone, "status", "--porcelain")
    assert git(clone, "tag", "--list") == "v0.1.0"


def test_changes_that_are_not_committed_are_no_release(clone: Path) -> None:
    (clone / "README.md").write_text("changed")
    done = release(clone, "0.2.0", "--repository", OWNER)
    assert done.returncode == 2
    assert "not committed" in done.stderr

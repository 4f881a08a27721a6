"""Documents agree with the code and with each other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import settings_page
from wyoming_piper_hardened.voices.installation.progress import Step
from wyoming_piper_hardened.voices.job import Outcome
from wyoming_piper_hardened.workers.worker import WorkerState

ROOT = Path(__file__).parents[2]


def documents() -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).exists()]


def read(name: str) -> str:
    """Return a document without its code blocks."""
    return re.sub(
        r"^```.*?^```", "", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def anchors(name: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", read(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def states(section: str) -> set[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition(f"\n## {section}\n")[2]
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    assert diagram
    ends = re.findall(r"^ +(\S+) --> ([^\s:]+)", diagram[1], re.MULTILINE)
    return {state for both in ends for state in both} - {"[*]"}


def links(name: str) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", read(name)):
        target = "".join(link)
        if not re.match(r"[a-z]+:", target):
            yield target


def test_settings_page_is_generated() -> None:
    """If this fails, run script/update-settings."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.render()


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    for link in links(name):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), link


def test_worker_diagram_has_every_state() -> None:
    assert states("A worker") == set(WorkerState)


def test_job_diagram_has_every_step_and_outcome() -> None:
    assert states("A voice job") == {*Step, *Outcome}

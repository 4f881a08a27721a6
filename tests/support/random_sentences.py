"""A mode in which every English sentence is random letters: nothing may depend on one."""

from __future__ import annotations

from random import Random

import pytest

from wyoming_piper_hardened.errors import HardenedError
from wyoming_piper_hardened.reporting import messages

ENVIRONMENT = "TEST_SCRAMBLED"
"""Set for a server that is a process of its own, to scramble its sentences; see `launcher`."""

_TABLES = ("EVENTS", "ISSUES", "FAILURES", "SEGMENTS", "DAMAGE")


def letters(original: object) -> str:
    """Return a word that stands for a sentence, always the same one."""
    return "".join(Random(repr(original)).choices("bcdfghjklmnpqrstvwxz", k=12))


def scramble(patch: pytest.MonkeyPatch | None = None) -> None:
    """Replace the templates of `messages` and the texts of errors; `patch` can undo it."""
    patch = patch or pytest.MonkeyPatch()
    for name in _TABLES:
        table = getattr(messages, name)
        for key, template in table.items():
            patch.setitem(table, key, letters(template))
    patch.setattr(HardenedError, "__str__", lambda err: letters(err.args))


@pytest.fixture(autouse=True)
def _scrambled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scramble the sentences for every test that is not one of rendering them."""
    if request.node.get_closest_marker("rendering") is None:
        scramble(monkeypatch)

"""A mode in which every English sentence is random letters: nothing may depend on one."""

from __future__ import annotations

from random import Random

import pytest

from wyoming_piper_hardened import messages
from wyoming_piper_hardened.errors import HardenedError

ENVIRONMENT = "TEST_SCRAMBLED"
"""Set for servers that are processes of their own; see `launcher`."""

_TABLES = ("EVENTS", "ISSUES", "FAILURES", "SEGMENTS", "DAMAGE")
_RANDOM = Random(7)


def letters() -> str:
    """Return a word that nobody has written."""
    return "".join(_RANDOM.choices("bcdfghjklmnpqrstvwxz", k=12))


def scramble(patch: pytest.MonkeyPatch | None = None) -> None:
    """Replace the templates of `messages` and the texts of errors; `patch` can undo it."""
    patch = patch or pytest.MonkeyPatch()
    for name in _TABLES:
        table = getattr(messages, name)
        for key in table:
            patch.setitem(table, key, letters())
    patch.setattr(HardenedError, "__str__", lambda _: letters(), raising=False)


@pytest.fixture(autouse=True)
def _scrambled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scramble the sentences for every test that is not one of rendering them."""
    if request.node.get_closest_marker("rendering") is None:
        scramble(monkeypatch)
        monkeypatch.setenv(ENVIRONMENT, "1")

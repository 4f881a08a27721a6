"""Voices that stay loaded, of made-up sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.synthesis.residents import Residents
from wyoming_piper_hardened.errors import VoiceError

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


class Resident:
    """Counts how often it was closed."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Shelf:
    """Residents that take 100 bytes each, and everything that was ever loaded."""

    def __init__(self, **limits: int) -> None:
        self.ever: list[Resident] = []
        self.residents = Residents(self._load, self._memory, **limits)

    @property
    def open(self) -> list[Resident]:
        return [resident for resident in self.ever if not resident.closed]

    def _load(self, model: Path) -> Resident:
        if model.stem == "bad":
            raise VoiceError("no voice")
        self.ever.append(Resident(model))
        return self.ever[-1]

    def _memory(self) -> int:
        return 100 * len(self.open)


MODELS = st.builds(
    lambda version, name: Path(f"/{name}/{version}/{name}.onnx"),
    st.sampled_from("12"),
    st.sampled_from(["a", "b", "c", "d", "bad"]),
)


@UNHURRIED
@given(st.lists(MODELS, max_size=60), st.integers(0, 4), st.sampled_from([0, 50, 250, 1000]))
def test_residents_are_the_most_recently_used_ones_that_fit(
    uses: list[Path], limit: int, memory_limit: int
) -> None:
    shelf = Shelf(limit=limit, memory_limit=memory_limit)
    allowed = max(1, limit)
    if memory_limit:
        allowed = min(allowed, max(1, memory_limit // 100))
    for model in uses:
        before = shelf.residents.models
        known = model in shelf.residents
        loads = len(shelf.ever)
        if model.stem == "bad":
            with pytest.raises(VoiceError):
                shelf.residents.get(model)
        else:
            resident = shelf.residents.get(model)
            assert resident.model == model
            assert not resident.closed
            assert shelf.residents.models[-1] == model
            assert len(shelf.ever) == loads + (not known)
        now = shelf.residents.models
        assert len(now) <= allowed
        assert len({one.name for one in now}) == len(now)  # one version of each voice
        assert sorted(now) == sorted(resident.model for resident in shelf.open)
        assert all(resident.closed <= 1 for resident in shelf.ever)
        kept = [one for one in before if one in now and one != model]
        assert kept == [one for one in now if one != model]  # in the order of their last use
        others = [one for one in before if one.name != model.name]
        assert kept == others[len(others) - len(kept) :]  # the least recently used go first


@UNHURRIED
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=30))
def test_voices_that_fit_are_loaded_once_each(uses: list[str]) -> None:
    shelf = Shelf(limit=2)
    for name in uses:
        shelf.residents.get(Path(f"/{name}.onnx"))
    assert len(shelf.ever) == len(set(uses))

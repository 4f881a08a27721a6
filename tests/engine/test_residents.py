"""Voices that stay loaded, of made-up sizes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.sessions.residents import Residents
from wyoming_piper_hardened.errors import VoiceError

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


class Resident:
    """A voice."""

    def __init__(self, model: Path) -> None:
        self.model = model


class Shelf:
    """Residents that take 100 bytes each, and everything that was ever loaded."""

    def __init__(self, **limits: int) -> None:
        self.ever: list[Resident] = []
        self.residents = Residents[Resident](self._memory, **limits)

    def get(self, model: Path) -> Resident:
        return self.residents.get(model, self._load)

    def _load(self, model: Path) -> Resident:
        if model.stem == "bad":
            raise VoiceError("no voice")
        self.ever.append(Resident(model))
        return self.ever[-1]

    def _memory(self) -> int:
        return 100 * len(self.residents.models)


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
        known = model in before
        loads = len(shelf.ever)
        if model.stem == "bad":
            with pytest.raises(VoiceError):
                shelf.get(model)
        else:
            resident = shelf.get(model)
            assert resident.model == model
            assert shelf.residents.models[-1] == model
            assert len(shelf.ever) == loads + (not known)
        now = shelf.residents.models
        assert len(now) <= allowed
        assert len({one.name for one in now}) == len(now)  # one version of each voice
        kept = [one for one in before if one in now and one != model]
        assert kept == [one for one in now if one != model]  # in the order of their last use
        others = [one for one in before if one.name != model.name]
        assert kept == others[len(others) - len(kept) :]  # the least recently used go first


@UNHURRIED
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=30))
def test_voices_that_fit_are_loaded_once_each(uses: list[str]) -> None:
    shelf = Shelf(limit=2)
    for name in uses:
        shelf.get(Path(f"/{name}.onnx"))
    assert len(shelf.ever) == len(set(uses))


def test_several_threads_load_a_voice_once() -> None:
    shelf = Shelf(limit=3)
    models = [Path(f"/{name}.onnx") for name in "abc"] * 20
    with ThreadPoolExecutor(8) as threads:
        residents = list(threads.map(shelf.get, models))
    assert [resident.model for resident in residents] == models
    assert len(shelf.ever) == 3

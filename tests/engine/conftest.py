"""Prepared voices for the engine's tests: the real one and tiny ones of every structure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from support.shared import shared_folder
from support.voices import TINY, VOICES, Prepared

Prepare = Callable[[str], Prepared]


def prepared(factory: pytest.TempPathFactory, model: Path) -> Prepared:
    """Return a prepared voice, which tests only read."""
    folder = shared_folder(factory, model.stem, lambda folder: Prepared(model, folder))
    return Prepared(model, folder)


@pytest.fixture(scope="session")
def joe(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tmp_path_factory, model)


@pytest.fixture(scope="session")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Return a function that prepares a tiny voice, once a session."""
    return cache(lambda name: prepared(tmp_path_factory, VOICES / f"{name}.onnx"))


@pytest.fixture(scope="session", params=TINY)
def tiny(request: pytest.FixtureRequest, prepare: Prepare) -> Prepared:
    return prepare(request.param)


@pytest.fixture(scope="session")
def single(prepare: Prepare) -> Prepared:
    return prepare("single")


@pytest.fixture(scope="session")
def many_speakers(prepare: Prepare) -> Prepared:
    return prepare("many_speakers")

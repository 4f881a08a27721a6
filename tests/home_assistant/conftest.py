"""Tests of the app, in which no sentence matters."""

from __future__ import annotations

from support.random_sentences import _scrambled  # noqa: F401 - a fixture

"""Tests of the app, in which no sentence matters."""

from __future__ import annotations

from support.both_servers import own_data  # noqa: F401 - a fixture
from support.random_sentences import _scrambled  # noqa: F401 - a fixture

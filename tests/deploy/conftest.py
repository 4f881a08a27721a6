"""Fixtures of the tests of what is deployed."""

from __future__ import annotations

from support.both_servers import own_data  # noqa: F401 - a fixture

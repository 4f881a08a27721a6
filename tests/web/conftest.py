"""Sites on loopback."""

from __future__ import annotations

from support.both_servers import open_site  # noqa: F401 - a fixture
from support.random_sentences import _scrambled  # noqa: F401 - a fixture

"""Sites on loopback, as the tests of the web server have them."""

from __future__ import annotations

from support.both_servers import open_site  # noqa: F401 - a fixture

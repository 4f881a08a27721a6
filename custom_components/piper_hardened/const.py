"""Constants of the integration."""

from __future__ import annotations

import logging
from typing import Final

DOMAIN: Final = "piper_hardened"
LOGGER = logging.getLogger(__package__)

CONF_SLUG: Final = "slug"

APP_SLUG_SUFFIX: Final = "_piper_hardened"
"""Of the app's slug; what is before it names its repository."""
APP_PORT: Final = 8099
"""Of the app's web server."""

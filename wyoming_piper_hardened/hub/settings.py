"""Settings of the voice repository (the hub): address, revision, credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from ..errors import ConfigError

PUBLIC_HUB = "https://huggingface.co"

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_TOKEN = re.compile(r"[!-~]{1,500}")
_SWITCHED_ON = ("1", "on", "yes", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Checked settings of the hub.

    `endpoint` is a URL without a slash at its end; `revision` a branch, tag or commit; `token` goes
    to the endpoint alone and is never shown; `ca_bundle` is a file or folder of certificates that
    are trusted besides the system's (which ``SSL_CERT_FILE`` replaces, as OpenSSL has it).

    Raises:
        ConfigError: a value is not allowed.
    """

    endpoint: str = PUBLIC_HUB
    revision: str = "main"
    offline: bool = False
    token: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None

    def __post_init__(self) -> None:
        if not _is_endpoint(self.endpoint):
            raise ConfigError(
                "hub_endpoint (HF_ENDPOINT) must be http://HOST or https://HOST, with a port and a "
                "path if need be, without a password; a password is given as HF_TOKEN"
            )
        if not _REVISION.fullmatch(self.revision) or ".." in self.revision:
            raise ConfigError("hub_revision must be the name of a branch or tag, or a commit")
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ConfigError("HF_TOKEN holds something that is not a token; set it anew")

    @classmethod
    def read(
        cls,
        environment: Mapping[str, str],
        *,
        endpoint: str | None = None,
        revision: str | None = None,
        offline: bool = False,
    ) -> Self:
        """Read our own settings and the variables that the hub's other programs read, too.

        `endpoint` overrides ``HF_ENDPOINT``; ``HF_HUB_OFFLINE`` switches off as well.
        """
        return cls(
            endpoint=(endpoint or environment.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/"),
            revision=revision or "main",
            offline=offline or environment.get("HF_HUB_OFFLINE", "").lower() in _SWITCHED_ON,
            token=environment.get("HF_TOKEN", "").strip() or None,
            ca_bundle=environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE"),
        )


def _is_endpoint(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        _ = parts.port  # raises when it is out of range
    except ValueError:
        return False
    plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    extras = parts.username or parts.password or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and not extras

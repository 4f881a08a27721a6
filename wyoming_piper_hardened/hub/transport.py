"""Connections to the hub: names, proxies, certificates, and the errors that they end in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..errors import ConfigError
from .errors import (
    CertificateError,
    DownloadInterruptedError,
    HubAnswerError,
    HubRefusedError,
    HubUnreachableError,
)
from .response import refuse_status
from .retry import TransientError


class Resolver(AbstractResolver):
    """Resolves names in threads of their own, which outlive their callers.

    A name server that is silent holds a thread for minutes, and nothing ends that. On one of the
    event loop's threads the program could not stop meanwhile, nor use it for anything else.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            OSError: it has none.
            UnicodeError: it cannot be a name.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def finish(found: list[ResolveResult] | Exception) -> None:
            if answer.done():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            try:
                found: list[ResolveResult] | Exception = _addresses(host, port, family)
            except Exception as err:  # noqa: BLE001 - raised in the caller, UnicodeError included
                found = err
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(finish, found)

        threading.Thread(target=ask, name=f"address of {host}", daemon=True).start()
        return await answer

    async def close(self) -> None:
        """Do nothing: no state is kept."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    return [
        ResolveResult(
            hostname=host,
            host=socket.getnameinfo(address, numeric)[0],  # which names a link's scope, too
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in socket.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    ]


@contextlib.contextmanager
def failures_named(what: str) -> Iterator[None]:
    """Turn failures of the connection into our errors; none of their texts holds an address."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as err:
        why = getattr(err.certificate_error, "verify_message", "") or "not trusted"
        raise CertificateError(
            f"{what}: the certificate is refused ({why}); check the clock, or name the proxy's "
            "certificate in SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
        ) from None
    except aiohttp.ClientSSLError:
        raise CertificateError(
            f"{what}: no secure connection; a proxy or a login page may stand in between"
        ) from None
    except aiohttp.ClientHttpProxyError as err:
        if err.status in (407, 429) or err.status >= 500:  # noqa: PLR2004
            refuse_status(err.status, err.headers or {}, what, signed=False, now=time.time())
        raise HubRefusedError(
            f"{what}: the proxy does not let us through ({err.status}); let it allow the hub, or "
            "name the host in NO_PROXY"
        ) from None
    except aiohttp.ClientPayloadError:
        raise TransientError(
            DownloadInterruptedError(f"{what}: the connection was cut; try later")
        ) from None
    except aiohttp.ClientConnectorError as err:
        why = err.strerror or "no connection"
        raise TransientError(
            HubUnreachableError(f"{what}: {why}; check the network and the name server")
        ) from None
    except (aiohttp.ServerConnectionError, aiohttp.ClientOSError, ConnectionError, TimeoutError):
        raise TransientError(
            HubUnreachableError(f"{what}: no answer in time, or cut off; check the network")
        ) from None
    except (aiohttp.ClientError, UnicodeError):  # a host's name that cannot be one
        raise HubAnswerError(f"{what}: not an HTTP answer; check hub_endpoint, proxy") from None


def proxy_for(url: URL) -> URL | None:
    """Return the proxy of the environment for `url` (``https_proxy``, ``no_proxy`` and so on)."""
    assert url.host is not None
    proxy = urllib.request.getproxies().get(url.scheme)
    if not proxy or urllib.request.proxy_bypass(url.host):
        return None
    address = URL(proxy if "://" in proxy else f"http://{proxy}")
    if address.scheme not in ("http", "https"):
        raise HubUnreachableError("the proxy of the environment is not an http:// proxy")
    return address


def trusted_certificates(ca_bundle: str | None) -> ssl.SSLContext:
    """Return a context with the system's certificates and those of `ca_bundle`.

    Blocks on the disk.
    """
    context = ssl.create_default_context()
    if ca_bundle:
        try:
            if Path(ca_bundle).is_dir():
                context.load_verify_locations(capath=ca_bundle)
            else:
                context.load_verify_locations(cafile=ca_bundle)
        except OSError:  # ssl.SSLError included
            raise ConfigError(
                f"REQUESTS_CA_BUNDLE names {ca_bundle!r}, which holds no certificates"
            ) from None
    return context

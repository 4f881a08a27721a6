"""The web server: one listener, one way in for every call, one way out for every error."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from ..catalogue.current import CurrentCatalogue
from ..config.settings import Settings
from ..control import Control
from ..errors import BadRequestError, HardenedError, OriginError, TooManyRequestsError
from ..metrics import Metrics
from ..reporting.events import Event, LimitedLog
from ..system.aio import cancel_and_wait
from ..system.rate_limit import RateLimits
from ..system.sockets import bind_error, open_listener, with_port
from ..voices.offer.model_cards import ModelCards
from ..voices.offer.samples import Samples
from ..voices.offer.small_files import SmallFiles
from . import errors
from .access import AccessPolicy, caller_of, network_of
from .api.default_voice import DefaultVoiceEndpoints
from .api.health import HealthEndpoints
from .api.info import InfoEndpoint
from .api.metrics import MetricsEndpoint
from .api.presets import PresetEndpoints
from .api.status import StatusEndpoint
from .api.voice_details import VoiceDetailEndpoints
from .api.voice_list import VoiceList
from .api.voices import VoiceEndpoints
from .audio.openai import OpenAIEndpoints
from .audio.speech import SpeechEndpoint
from .connection import Connection, add_headers, reset
from .connection_limit import ConnectionLimit
from .endpoint import Access, Endpoint
from .events.companion import CompanionView
from .events.endpoint import EventsEndpoint, View
from .limits import WebLimits
from .origins import Origins
from .reference.endpoints import ReferenceEndpoints
from .static_files import StaticFiles
from .text.dictionary import DictionaryEndpoints
from .text.preview import PreviewEndpoint
from .transfer.bundles import BundleEndpoints
from .transfer.files import FileEndpoints
from .transfer.upload import UploadEndpoint
from .under_way import UnderWay

_LOGGER = logging.getLogger(__name__)

_BACKLOG = 128


class WebServer:
    """Serves the page and the API on one address.

    Args:
        settings: where it listens, and who has access.
        control: actions on the running server, and its parts.
        catalogue: the voices of the repository.
        metrics: the counters.
        limits: how much and how long.
        own_names: names that this machine goes by, besides those of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        control: Control,
        catalogue: CurrentCatalogue,
        metrics: Metrics,
        limits: WebLimits,
        *,
        own_names: Collection[str] = (),
    ) -> None:
        assert settings.web_uri is not None
        self._uri = settings.web_uri
        self._origins = Origins(settings.web_origins)
        self._policy = AccessPolicy(
            {urlsplit(self._uri).hostname or "", *settings.web_hosts, *own_names},
            settings.web_token,
            settings.web_trusted,
            control.pairing,
            self._origins,
        )
        self._limits = limits
        self._log = LimitedLog(_LOGGER)
        self._changes = RateLimits(limit=limits.changes_per_minute)
        status = StatusEndpoint(control, control.status, self._policy)
        speech = SpeechEndpoint(control.resolver, control.synthesizer, limits)
        presets = control.resolver.presets
        voices = VoiceList(control.status, catalogue, control.lost_voices, presets)
        self._small_files = SmallFiles(catalogue)
        cards = ModelCards(control.library, catalogue, self._small_files)
        companion = CompanionView(
            control.status, voices, metrics, self._policy, interval=limits.counters_interval
        )
        self._events = EventsEndpoint(
            {View.STATUS: status.view, View.COMPANION: companion.render},
            control.notifier,
            self._policy,
            limits,
        )
        reference = ReferenceEndpoints()
        parts = (
            HealthEndpoints(control.status),
            InfoEndpoint(control.status.identity),
            MetricsEndpoint(control.status, metrics),
            status,
            VoiceEndpoints(control, voices, limits),
            VoiceDetailEndpoints(voices, cards, Samples(catalogue, self._small_files)),
            FileEndpoints(control),
            UploadEndpoint(control, limits),
            BundleEndpoints(control, limits),
            self._events,
            companion,
            speech,
            PreviewEndpoint(control.resolver, control.synthesizer, control.phonemizer, limits),
            DefaultVoiceEndpoints(control, limits),
            PresetEndpoints(control, limits),
            DictionaryEndpoints(control.dictionary, limits, self._policy),
            OpenAIEndpoints(control.library, presets, speech, settings.length_scale or 1.0, limits),
            reference,
        )
        endpoints = [endpoint for part in parts for endpoint in part.endpoints()]
        reference.describe(endpoints)
        self._endpoints = {
            (method, endpoint.path): endpoint
            for endpoint in endpoints
            for method in endpoint.methods
        }
        self._under_way = UnderWay()
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._feed: asyncio.Task[None] | None = None

    @property
    def port(self) -> int | None:
        """TCP port in use, once started."""
        return self._server.sockets[0].getsockname()[1] if self._server else None

    @property
    def address(self) -> str:
        """Address for browsers, with the real port where any free one was asked for."""
        return with_port(self._uri, self.port)

    async def start(self) -> None:
        """Start to listen.

        Raises:
            AddressInUseError: names who listens there already, as far as that can be seen.
            StartError: the address cannot be used.
        """
        limits = self._limits
        application = web.Application(middlewares=[self._serve], client_max_size=limits.body_size)
        for (method, path), endpoint in self._endpoints.items():
            application.router.add_route(method, path, endpoint.handle, expect_handler=self._expect)
        (await asyncio.to_thread(StaticFiles)).add_to(application.router)
        application.on_response_prepare.append(self._add_headers)
        runner = web.AppRunner(
            application,
            handle_signals=False,
            handler_cancellation=True,  # who leaves is spoken to no longer
            shutdown_timeout=limits.stop_grace,
        )
        await runner.setup()
        http = runner.server
        assert http is not None
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {
            "access_log": None,
            "logger": _http_logger(),
            "keepalive_timeout": limits.header_timeout,
            "lingering_time": limits.linger,
            "auto_decompress": False,
        }

        def connection() -> Connection:
            return Connection(http, loop=loop, **options)

        def limited() -> ConnectionLimit:
            return ConnectionLimit(
                connection,
                lambda: len(http.connections),
                self._policy.is_privileged_address,
                limits,
            )

        try:
            listener = await asyncio.to_thread(open_listener, self._uri)
            self._server = await loop.create_server(limited, **listener, backlog=_BACKLOG)
        except (OSError, UnicodeError) as err:
            await runner.cleanup()
            raise await bind_error(err, self._uri) from None
        self._runner = runner
        self._feed = asyncio.create_task(self._events.run())
        _LOGGER.info(Event("web-listening", address=self.address))

    @property
    def hosts(self) -> frozenset[str]:
        """Addresses that are listened on, once started; ``::`` is every one of both families."""
        if self._server is None:
            return frozenset()
        return frozenset(listener.getsockname()[0] for listener in self._server.sockets)

    @property
    def under_way(self) -> int:
        """Number of requests under way."""
        return len(self._under_way)

    async def drain(self) -> None:
        """Accept no more connections, and take no more requests on those that are there."""
        await asyncio.sleep(0)  # those that have just connected are accepted
        if self._server is not None:
            self._server.close()
            self._server = None
        self._events.close()
        if self._runner is not None and self._runner.server is not None:
            self._runner.server.pre_shutdown()

    async def drained(self) -> None:
        """Wait until no request is under way."""
        await self._under_way.none()

    async def stop(self) -> None:
        """Stop accepting, and cut off the requests that are left."""
        await self.drain()
        self._under_way.cut_off()
        if self._feed is not None:
            await cancel_and_wait(self._feed)
        await self._small_files.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _serve(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        begin = time.monotonic()
        answer: web.StreamResponse | None = None
        try:
            try:
                answer = await self._answer(request, handler)
            except web.HTTPException as err:
                error = errors.translated(err, request)
                if error is None:
                    raise
                raise error from None
            except (HttpProcessingError, RequestPayloadError):
                raise BadRequestError("the body is not what its headers say") from None
        except HardenedError as err:
            if request.writer.output_size and request.transport is not None:
                reset(request.transport)  # an answer has begun, and a second one would end it
            answer = _error_answer(request, err)
        except Exception:  # noqa: BLE001 - logged, with its traceback
            self._log.exception(Event("internal-error", where=request.rel_url.raw_path[:200]))
            answer = _error_answer(request, HardenedError("internal error; see the log"))
        finally:
            _LOGGER.debug(
                "web: %s %s %s %s %.0f ms",
                request.remote,
                request.method[:20],
                request.rel_url.raw_path[:200],
                answer.status if answer is not None else "left",
                1000 * (time.monotonic() - begin),
            )
        return answer

    async def _answer(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if (preflight := self._origins.preflight(request)) is not None:
            return preflight
        self._admit(request)
        endpoint = self._endpoint(request)
        if endpoint is not None and endpoint.endless:
            return await handler(request)  # which ends by itself when the server stops
        async with self._under_way.one():
            return await handler(request)

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """Have a client that asks send its body, or refuse the request beforehand."""
        try:
            self._check(request)
            if request.headers["Expect"].lower() != "100-continue":
                raise BadRequestError("of Expect only 100-continue is understood")
        except HardenedError as err:
            return _error_answer(request, err)
        if request.version >= HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # that was no part of the answer
        return None

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        add_headers(response)
        self._origins.add_headers(request, response)

    def _admit(self, request: web.Request) -> None:
        """Raise if the caller may not do this, or does it too often."""
        access = self._check(request)
        if access is Access.CHANGE and not self._changes.allow(
            network_of(caller_of(request).address), time.monotonic()
        ):
            raise TooManyRequestsError("too many changes within a minute; wait a little")

    def _endpoint(self, request: web.Request) -> Endpoint | None:
        resource = request.match_info.route.resource
        return self._endpoints.get((request.method, resource.canonical if resource else ""))

    def _check(self, request: web.Request) -> Access:
        """Return the right that is needed; raise if the caller does not have it."""
        endpoint = self._endpoint(request)
        access = endpoint.access if endpoint else Access.READ
        named = request.raw_path.partition("://")[2].partition("/")[0]  # as proxies are asked
        if not request.raw_path.startswith("/") and named != request.headers.get("Host"):
            raise OriginError("this is no proxy for other servers; ask for a path")
        self._policy.check(caller_of(request), access)
        return access


def _http_logger() -> logging.Logger:
    """Return a logger without invalid HTTP: a port scanner must not fill the log."""

    def is_ours(record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))

    logger = logging.getLogger(f"{__name__}.http")
    if not logger.filters:
        logger.addFilter(is_ours)
    return logger


def _error_answer(request: web.Request, err: HardenedError) -> web.Response:
    return errors.response(err, like_openai=request.path.startswith("/v1/"))

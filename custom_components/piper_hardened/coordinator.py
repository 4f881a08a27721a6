"""The state of one server, pushed by it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError, HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import (
    Action,
    Client,
    ClientError,
    Counters,
    FinishedJob,
    Info,
    InvalidAuthError,
    Issue,
    Job,
    Outcome,
    ReadOnlyError,
    State,
    StreamError,
    UnsupportedApiError,
)
from .const import DOMAIN, LOGGER
from .timings import Timings

type PiperHardenedConfigEntry = ConfigEntry[PiperHardenedCoordinator]

_QUICK_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Data:
    """The newest state and counters."""

    state: State
    counters: Counters


class JobLostError(Exception):
    """Nobody knows how a job ended: the server was started anew, or the entry is unloaded."""


class PiperHardenedCoordinator(DataUpdateCoordinator[Data]):
    """Follows one server and knows what is under way there.

    Args:
        hass: Home Assistant.
        entry: of the server.
        client: asks it.
        timings: intervals, and limits of those who wait for jobs.
    """

    config_entry: PiperHardenedConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: PiperHardenedConfigEntry,
        client: Client,
        timings: Timings,
    ) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=None)
        self.client = client
        self.timings = timings
        self.info: Info
        self.may_change = False
        self._waiting: dict[asyncio.Future[FinishedJob], str] = {}
        self._finished_listeners: list[Callable[[FinishedJob], None]] = []

    @property
    def server_id(self) -> str:
        """What the ids of the device and of the entities begin with."""
        return self.config_entry.unique_id or self.config_entry.entry_id

    async def _async_update_data(self) -> Data:
        """Ask for everything; only when the entry is set up, and when nothing is pushed."""
        try:
            self.info = await self.client.info()
            self.may_change = await self.client.may_change()
            state, counters = await self.client.snapshot()
        except (InvalidAuthError, ReadOnlyError) as err:  # not even to look
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except UnsupportedApiError as err:
            key = "update_integration" if err.newer else "update_server"
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key=key) from err
        except ClientError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"message": str(err)},
            ) from err
        if self._is_other(self.info.server_id):
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key="other_server")
        return Data(state, counters)

    @callback
    def async_start(self) -> None:
        """Follow the server until the entry is unloaded."""
        self.config_entry.async_create_background_task(
            self.hass, self._follow(), f"{DOMAIN} events of {self.name}"
        )
        self.config_entry.async_on_unload(self._lose_jobs)

    @callback
    def async_on_finished(self, listener: Callable[[FinishedJob], None]) -> CALLBACK_TYPE:
        """Call `listener` with every job that ends from now on; returns what ends that."""
        self._finished_listeners.append(listener)
        return lambda: self._finished_listeners.remove(listener)

    def job_of(self, voice: str, *actions: Action) -> Job | None:
        """Return the job under way on a voice, of these actions or of any."""
        jobs = (job for job in self.data.state.jobs if job.voice == voice)
        return next((job for job in jobs if not actions or job.action in actions), None)

    def issue(self, issue_id: str) -> Issue | None:
        """Return the issue of that id, if it is open."""
        return next((one for one in self.data.state.issues if one.id == issue_id), None)

    async def async_wait(self, job: Job, limit: float) -> FinishedJob:
        """Return how a job ended, within `limit` seconds.

        Raises:
            TimeoutError: it goes on.
            JobLostError: nobody knows.
        """
        for finished in self.data.state.finished_jobs:
            if finished.id == job.id:
                return finished
        future: asyncio.Future[FinishedJob] = self.hass.loop.create_future()
        self._waiting[future] = job.id
        try:
            async with asyncio.timeout(limit):
                return await future
        finally:
            self._waiting.pop(future, None)

    async def _follow(self) -> None:
        """Take what the server sends; connect anew whenever that breaks off."""
        attempt = 0
        while True:
            try:
                async with contextlib.aclosing(self.client.events()) as events:
                    async for event in events:
                        attempt = 0
                        self._take(event)
            except StreamError as err:
                if attempt == 0:  # it has sent something: that is no failure yet
                    attempt = 1
                    await asyncio.sleep(delay(0))
                    continue
                if await self._poll(err):
                    await asyncio.sleep(self.timings.poll)
                    continue
            except (InvalidAuthError, ReadOnlyError) as err:
                self.async_set_update_error(err)
                self.config_entry.async_start_reauth(self.hass)
            except ClientError as err:
                self.async_set_update_error(err)
            attempt += 1
            await asyncio.sleep(delay(attempt))

    async def _poll(self, error: StreamError) -> bool:
        """Return whether the server answers although its events do not come."""
        try:
            state, counters = await self.client.snapshot()
        except ClientError:
            self.async_set_update_error(error)
            return False
        self._take(state)
        self._take(counters)
        return True

    @callback
    def _take(self, event: State | Counters) -> None:
        before = self.data
        if isinstance(event, Counters):
            data = replace(before, counters=event)
        else:
            data = replace(before, state=event)
            if self._is_other(event.server_id) or event.version != self.info.version:
                # Another server at this address, or another version: everything is looked at anew.
                self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
                return
        if data != before or not self.last_update_success:
            if not self.last_update_success:
                LOGGER.info("%s is back", self.name)
            self.async_set_updated_data(data)
        if isinstance(event, State):
            self._finish_jobs(before.state, event)

    @callback
    def _finish_jobs(self, before: State, state: State) -> None:
        restarted = before.started_at != state.started_at
        known = set() if restarted else {job.id for job in before.finished_jobs}
        for finished in state.finished_jobs:
            for future, job_id in self._waiting.items():
                if job_id == finished.id and not future.done():
                    future.set_result(finished)
            if finished.id not in known:
                for listener in tuple(self._finished_listeners):
                    listener(finished)
        if restarted:
            self._lose_jobs()

    @callback
    def _lose_jobs(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(JobLostError())

    def _is_other(self, server_id: str | None) -> bool:
        """Return whether the server is another one than that of the entry."""
        own = self.config_entry.unique_id
        return bool(own and server_id) and server_id != own


def delay(attempt: int) -> float:
    """Return the seconds before an attempt to connect, the first is number 1.

    Short for as long as a restart or an update may take, then a minute; with jitter.
    """
    seconds = min(0.5 * 2**attempt, 4.0) if attempt < _QUICK_ATTEMPTS else 60.0
    return seconds * random.uniform(0.8, 1.2)


def check_outcome(job: FinishedJob) -> None:
    """Raise HomeAssistantError unless a job is done."""
    match job.outcome:
        case Outcome.DONE:
            return
        case Outcome.CANCELLED:
            key = "cancelled"
        case _:
            key = "job_failed"
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"voice": job.voice, "message": job.message},
    )

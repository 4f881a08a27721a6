"""Limits and intervals."""

from __future__ import annotations

from dataclasses import dataclass

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .client import Timeouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Limits and intervals in seconds.

    Args:
        poll: between two looks at a server whose events do not come through.
        issue_delay: an issue is shown when it has been open for so long; the server repairs much
            by itself.
        job: until an action no longer waits for its job, which goes on.
        fix: likewise a fix flow, before which somebody sits.
        pair: until a running app must know its token.
        start: until an app that was just started must answer.
        ask_every: between two questions while an app is paired.
        client: those of the client.
    """

    poll: float = 60.0
    issue_delay: float = 60.0
    job: float = 1800.0
    fix: float = 20.0
    pair: float = 15.0
    start: float = 90.0
    ask_every: float = 0.5
    client: Timeouts = Timeouts()


TIMINGS: HassKey[Timings] = HassKey("piper_hardened_timings")
"""Of what is set up from now on; tests put others there."""


def timings_of(hass: HomeAssistant) -> Timings:
    """Return the timings that apply."""
    return hass.data.get(TIMINGS) or Timings()

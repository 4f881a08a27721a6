"""Commands from Home Assistant's actions: one JSON value a line on standard input.

``{"command": "repair", "voice": "en_US-joe-medium"}``, or the short form, a JSON string:
``"repair en_US-joe-medium"``. `COMMANDS` has them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import voluptuous as vol

from ..control import Control
from ..errors import VoiceError
from ..status.reporter import StatusReporter
from ..store.voice import is_voice_name
from ..system.pairing import TOKEN_PATTERN
from .errors import CommandError, CommandFieldsError, CommandUnknownError

_MOST_NAME = 100  # characters of the name of a voice or preset
_SHOWN = 40  # characters of a name that somebody made up
_TOKEN = re.compile(TOKEN_PATTERN)
_TRIAL_TEXT = "1, 2, 3."  # every voice reads numbers in its own language


@dataclass(frozen=True, slots=True)
class Command:
    """A valid command."""

    name: str
    fields: Mapping[str, str] = field(repr=False)  # may hold text, which is never logged

    @property
    def shown(self) -> str:
        """Its name, and its voice if it has one."""
        return " ".join(filter(None, (self.name, self.fields.get("voice"))))

    async def carry_out(self, control: Control, status: StatusReporter) -> str:
        """Carry out the command; return its result in words.

        Raises:
            HardenedError: it failed.
        """
        return await COMMANDS[self.name].carry_out(control, status, self.fields)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of command; `first` is the field that the short form fills."""

    schema: vol.Schema
    carry_out: Callable[[Control, StatusReporter, Mapping[str, str]], Awaitable[str]]
    first: str | None = None


def parse(line: bytes) -> Command:
    """Read a command.

    Raises:
        CommandError: the line is no JSON, or neither an object nor a string.
        CommandUnknownError: there is no such command.
        CommandFieldsError: a field is missing, unknown or wrong.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise CommandError("a line that is not JSON") from None
    if isinstance(value, str):
        value = _from_short_form(value)
    if not isinstance(value, dict):
        raise CommandError("a line that is neither a JSON object nor a JSON string")
    fields = dict(value)
    name = fields.pop("command", None)
    if not isinstance(name, str):
        raise CommandError("an object without a command")
    if name not in COMMANDS:
        shown = name.partition(" ")[0][:_SHOWN]  # what follows may be a text
        raise CommandUnknownError(f"no such command: {shown!r}; there are: {', '.join(COMMANDS)}")
    try:
        return Command(name, COMMANDS[name].schema(fields))
    except vol.MultipleInvalid as err:
        first = err.errors[0]
        where = str(first.path[0])[:_SHOWN] if first.path else ""
        raise CommandFieldsError(f"{name}: {where!r}: {first.error_message}") from None


def _from_short_form(text: str) -> dict[str, str]:
    name, _, rest = text.strip().partition(" ")
    fields = {"command": name}
    if rest := rest.strip():
        kind = COMMANDS.get(name)
        fields[(kind.first if kind else None) or "voice"] = rest
    return fields


def _voice(value: object) -> str:
    """Return a name that a voice could have, whether there is one or not."""
    if not isinstance(value, str) or not is_voice_name(value.strip()):
        raise vol.Invalid("must be the name of a voice")
    return value.strip()


def _voice_or_preset(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(name := value.strip()) <= _MOST_NAME:
        raise vol.Invalid("must be the name of a voice or of a preset")
    if not name.isprintable():
        raise vol.Invalid("must be the name of a voice or of a preset")
    return name


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise vol.Invalid("must be a text")
    return value.encode(errors="replace").decode()


def _token(value: object) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value.strip()):
        raise vol.Invalid("must be 32 to 200 letters, digits, - and _")
    return value.strip()


async def _install(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    voice = await (await control.start_install(fields["voice"]))
    return f"{voice.name} is installed"


async def _remove(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    await control.remove(fields["voice"])
    return "it is removed"


async def _verify(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    if damage := await (await control.start_verify(fields["voice"])):
        raise VoiceError("; ".join(map(str, damage)))
    return "it is as it was installed"


async def _repair(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    await (await control.start_repair(fields["voice"]))
    return "it speaks"


async def _set_default_voice(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    await control.set_default_voice(fields.get("voice"))
    return f"{control.default_voice.name} speaks for requests that name no voice"


async def _restart_workers(
    control: Control, _status: StatusReporter, _fields: Mapping[str, str]
) -> str:
    control.restart_workers()
    return "each goes on until its replacement is ready"


async def _reset_breaker(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    control.reset_breaker(fields.get("voice"))
    return "what was given up is tried again"


async def _say(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    spoken = await control.say(fields.get("text", _TRIAL_TEXT), fields.get("voice"))
    first = "never" if spoken.first_audio is None else f"after {spoken.first_audio * 1000:.0f} ms"
    return (
        f"{spoken.voice}: {spoken.audio:.2f} s of audio in {spoken.duration:.2f} s, first {first}"
    )


async def _status(_control: Control, reporter: StatusReporter, _fields: Mapping[str, str]) -> str:
    status = reporter.snapshot(for_owner=False)  # the answer is shown to others, too
    workers = ", ".join(str(worker.state) for worker in status.workers) or "none"
    jobs = ", ".join(f"{job.action} {job.voice}" for job in status.jobs) or "none"
    issues = ", ".join(issue.id for issue in status.issues) or "none"
    return (
        f"{'ready' if status.ready else 'not ready'}, {status.speaks} speaks; workers: {workers}; "
        f"jobs: {jobs}; issues: {issues}"
    )


async def _pair(control: Control, _: StatusReporter, fields: Mapping[str, str]) -> str:
    await control.pairing.replace(fields["token"])
    return "Home Assistant's integration may look after this server"


async def _unpair(control: Control, _status: StatusReporter, _fields: Mapping[str, str]) -> str:
    await control.pairing.replace(None)
    return "Home Assistant's integration may do so no longer"


_OF_A_VOICE = vol.Schema({vol.Required("voice"): _voice})

COMMANDS: Mapping[str, _Kind] = {
    "install": _Kind(_OF_A_VOICE, _install, "voice"),
    "remove": _Kind(_OF_A_VOICE, _remove, "voice"),
    "verify": _Kind(_OF_A_VOICE, _verify, "voice"),
    "repair": _Kind(_OF_A_VOICE, _repair, "voice"),
    "set_default_voice": _Kind(
        vol.Schema({vol.Optional("voice"): _voice_or_preset}), _set_default_voice, "voice"
    ),
    "restart_workers": _Kind(vol.Schema({}), _restart_workers),
    "reset_breaker": _Kind(vol.Schema({vol.Optional("voice"): _voice}), _reset_breaker, "voice"),
    "say": _Kind(
        vol.Schema({vol.Optional("text"): _text, vol.Optional("voice"): _voice}), _say, "text"
    ),
    "status": _Kind(vol.Schema({}), _status),
    "pair": _Kind(vol.Schema({vol.Required("token"): _token}), _pair, "token"),
    "unpair": _Kind(vol.Schema({}), _unpair),
}

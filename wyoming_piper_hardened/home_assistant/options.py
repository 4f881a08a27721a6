"""The app's options: settings as a person typed them, perhaps for the official Piper app.

The app starts whatever is wrong with an option: one that does not start cannot be repaired from
its page. Sources, each stronger than the one before: defaults, the app's own defaults, the
environment (``WPH_<NAME>``; for people who run the image without Home Assistant), the options,
flags.
"""

from __future__ import annotations

import codecs
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import voluptuous as vol

from ..config.settings import Settings, all_settings
from ..config.sources import ENVIRONMENT_PREFIX, SECRETS, load_settings
from ..config.types import NotAllowedError
from ..errors import ConfigError, SourceFileError
from ..hub.settings import HubSettings
from ..reporting.issues import Issue, IssueKind, Suggestion
from ..reporting.public import Private
from ..system.foreign_files import read_file
from ..system.foreign_json import parse_json

APP_DEFAULTS: Mapping[str, Any] = {
    "uri": "tcp://0.0.0.0:10200",
    "web_uri": "http://0.0.0.0:8099",
    "data_dir": Path("/data"),
    "custom_voice_dirs": (Path("/share/piper"), Path("/share/piper_hardened")),
}
"""Defaults that differ in the app's container. The folders hold voices of the user's own."""

INGRESS = ("172.30.32.2/32",)
"""Addresses of the page's callers in Home Assistant; nobody else reaches that port."""

OPTIONS_FILE = Path("/data/options.json")

_MAX_BYTES = 1 << 20
_SHOWN = 100  # characters of a name
_CHECKS = {setting.name: setting.check for setting in all_settings()}
_DEFAULTS = {setting.name: setting.default for setting in all_settings()}


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The settings that the options give, and what is wrong or noteworthy about them."""

    settings: Settings
    issues: tuple[Issue, ...] = ()
    """Wrong options, which were left at their defaults."""
    notes: tuple[str, ...] = ()
    """Lines for the log about options that are not wrong."""


@dataclass(frozen=True, slots=True)
class _Retired:
    """An option of the official Piper app that has another name here, or none."""

    remark: str
    successor: str | None = None
    translate: Callable[[Any], Any] = lambda value: value
    allowed: str = ""


def _debug(value: object) -> str | None:
    if not isinstance(value, bool):
        raise ValueError
    return "debug" if value else None


def _resident(value: object) -> int:
    """Return the voices to keep loaded: that app kept one for each of its processes."""
    processes: int = _CHECKS["resident_voices"](value)
    return max(processes, Settings().resident_voices)


_RETIRED = {
    "noise_w": _Retired("is called noise_w_scale here", "noise_w_scale"),
    "debug_logging": _Retired("is log_level: debug here", "log_level", _debug, "true or false"),
    "max_piper_procs": _Retired(
        "stands for loaded voices, which are resident_voices here", "resident_voices", _resident
    ),
    "update_voices": _Retired("has no use here: the list of voices renews itself"),
    "streaming": _Retired("has no use here: every voice streams that can"),
    "backend": _Retired("has no use here: there is only Piper"),
    "omnivoice_steps": _Retired("has no use here: there is only Piper"),
    "enable_japanese": _Retired("has no use here: voices of Japanese cannot speak in this app"),
    "enable_thai": _Retired("has no use here: voices of Thai cannot speak in this app"),
}


def read_options(
    file: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    *,
    supervised: bool,
) -> AppOptions:
    """Read the settings of the app from all sources.

    Args:
        file: what the Supervisor writes, one JSON object.
        environment: variables; only those named ``WPH_…`` matter.
        flags: settings given on the command line; ``None`` means not given.
        supervised: whether there is a Supervisor, so that the file has to be there.

    Raises:
        ConfigError: a flag is wrong; nothing else ever raises.
    """
    reading = _Reading(dict(APP_DEFAULTS) | ({"web_trusted": INGRESS} if supervised else {}))
    reading.take_environment(environment)
    reading.take_options(reading.load(file, missing_is_wrong=supervised))
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    load_settings(flags=given)  # raises
    reading.values |= {name: _CHECKS[name](value) for name, value in given.items()}
    return AppOptions(
        Settings(**reading.values), tuple(reading.issues), tuple(dict.fromkeys(reading.notes))
    )


@dataclass(slots=True)
class _Reading:
    """Values that were read, and what is wrong with the others."""

    values: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def load(self, file: Path, *, missing_is_wrong: bool) -> dict[str, object]:
        """Return the object in `file`; nothing if it cannot be read."""
        try:
            if not file.is_file():  # a device or a pipe would never end
                if file.exists() or missing_is_wrong:
                    self._is_wrong(file.name, "file-missing")
                return {}
            loaded = parse_json(read_file(file, _MAX_BYTES).removeprefix(codecs.BOM_UTF8))
        except SourceFileError as err:
            self._is_wrong(file.name, "file-unreadable", reason=str(err))
        except ValueError:
            self._is_wrong(file.name, "file-invalid", reason="it is not valid JSON")
        else:
            if isinstance(loaded, dict):
                return loaded
            self._is_wrong(file.name, "file-invalid", reason="it holds no object of options")
        return {}

    def take_environment(self, environment: Mapping[str, str]) -> None:
        for variable, text in environment.items():
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            if variable.startswith(ENVIRONMENT_PREFIX) and text != "":
                if name in _CHECKS:
                    self._take(variable, name, text)
                else:
                    self.notes.append(f"{variable[:_SHOWN]} in the environment is not a setting")

    def take_options(self, options: Mapping[str, object]) -> None:
        given = {name: value for name, value in options.items() if not _is_empty(value)}
        for name, value in given.items():
            if name in _CHECKS:
                self._take(name, name, value)
        for name, value in given.items():
            if name in _RETIRED:
                self._take_retired(name, value)
        for name in options:
            if name not in _CHECKS and name not in _RETIRED:
                self.notes.append(f"the option {name[:_SHOWN]!r} is not known and does nothing")

    def _take_retired(self, name: str, value: object) -> None:
        """Take an option of the official app, unless its successor says something else."""
        retired = _RETIRED[name]
        self.notes.append(f"the option {name} of the official Piper app {retired.remark}")
        if (successor := retired.successor) is None:
            return
        try:
            translated = retired.translate(value)
        except (ValueError, vol.Invalid):
            self._refuse(name, value, retired.allowed or _CHECKS[successor].allowed)
            return
        default = _DEFAULTS[successor]
        if translated is not None and self.values.get(successor, default) == default:
            self._take(name, successor, translated)

    def _take(self, shown: str, name: str, value: object) -> None:
        """Let `value` be that of the setting `name`, if it is allowed."""
        try:
            self.values[name] = _checked(name, value)
        except ConfigError as err:
            self._is_wrong(shown, err.code, reason=str(err))
        except (ValueError, vol.Invalid):
            self._refuse(shown, value, _CHECKS[name].allowed)

    def _refuse(self, shown: str, value: object, allowed: str) -> None:
        secret = {shown, shown.removeprefix(ENVIRONMENT_PREFIX).lower()} & SECRETS
        text = "this value" if secret else Private(reprlib.repr(value))
        self._is_wrong(shown, "not-allowed", value=text, allowed=allowed)

    def _is_wrong(self, subject: str, code: str, **params: str) -> None:
        suggestion = Suggestion.CHANGE_OPTION
        self.issues.append(Issue(IssueKind.OPTION, subject[:_SHOWN], code, params, suggestion))


def _is_empty(value: object) -> bool:
    """Return whether the option was left empty, which means its default."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _is_printable(value: object) -> bool:
    """Return whether every text in `value` is printable, and so fit for file names and logs."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return all(map(_is_printable, value))
    return not isinstance(value, str) or value.strip().isprintable()


def _checked(name: str, value: object) -> Any:
    """Return a value in its proper type; raises ValueError, vol.Invalid or ConfigError."""
    if not _is_printable(value):
        raise ValueError
    try:
        checked = _CHECKS[name](value)
    except NotAllowedError as err:
        raise ConfigError(err.msg) from None
    if name == "hub_endpoint" and checked:  # or the server would refuse it when it starts
        HubSettings.read({}, endpoint=checked)
    elif name == "hub_revision":
        HubSettings.read({}, revision=checked)
    return checked

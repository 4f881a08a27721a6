"""Sources of the settings, each stronger than the one before.

Defaults, a YAML or JSON file, the environment (``WPH_<NAME>``), flags.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import voluptuous as vol
import yaml

from ..errors import ConfigError
from .settings import Settings, all_settings, schema
from .types import NotAllowedError

ENVIRONMENT_PREFIX = "WPH_"

SECRETS = frozenset({"web_token"})
"""Settings whose values are never shown."""


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Read the settings from all sources.

    Args:
        file: a YAML or JSON file with one object of settings.
        environment: variables; only those named ``WPH_…`` matter.
        flags: settings given on the command line; ``None`` means not given.

    Raises:
        ConfigError: names the key, the value, where it came from and what is allowed.
    """
    values: dict[str, Any] = {}
    if file is not None:
        values |= _checked(_read(file), str(file), str)
    names = {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): text
        for key, text in (environment or {}).items()
        if key.startswith(ENVIRONMENT_PREFIX) and text != ""  # compose files pass empty ones
    }
    values |= _checked(names, "the environment", _variable)
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    values |= _checked(given, "the command line", _flag)
    return Settings(**values)


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        loaded = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as err:
        raise ConfigError(f"cannot read the settings file {file}: {err.strerror}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as err:
        place = str(getattr(err, "problem_mark", "") or "").strip()
        raise ConfigError(
            f"the settings file {file} is not valid {'JSON' if file.suffix == '.json' else 'YAML'}"
            + (f" ({place})" if place else "")
        ) from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
        raise ConfigError(f"the settings file {file} must hold one object of settings")
    return loaded


def _checked(values: dict[str, Any], source: str, shown: Callable[[str], str]) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", schema()(values))
    except vol.MultipleInvalid as err:
        problems = [_explain(one, values, source, shown) for one in err.errors]
        raise ConfigError("\n".join(dict.fromkeys(problems))) from None


def _explain(
    error: vol.Invalid, values: dict[str, Any], source: str, shown: Callable[[str], str]
) -> str:
    name = str(error.path[0])
    if isinstance(error, NotAllowedError):
        return f"{shown(name)} in {source}: {error.msg}"
    for setting in all_settings():
        if setting.name == name:
            value = "this value" if name in SECRETS else repr(values[name])[:200]
            return f"{shown(name)} in {source}: {value} is not allowed; allowed: {setting.allowed}"
    known = ", ".join(shown(setting.name) for setting in all_settings())
    return f"{shown(name)} in {source} is not a setting; there are: {known}"

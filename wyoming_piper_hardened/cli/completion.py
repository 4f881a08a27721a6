"""Commands, flags and names of voices, for a shell that completes them."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ..config.settings import Settings
from ..config.sources import load_settings

# Everything else is imported where it is used: a shell waits, and other commands do not complete.


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, which ends the process; else do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete  # noqa: PLC0415

        argcomplete.autocomplete(parser, print_suppressed=True)


def installed_names(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the names of the installed voices."""
    from ..store.store import Store  # noqa: PLC0415
    from ..store.voice import is_voice_name  # noqa: PLC0415
    from ..voices.library import embedded_name  # noqa: PLC0415

    names = (*Store(_settings(parsed_args).data_dir).names(), *embedded_name())
    return [name for name in names if is_voice_name(name)]


def known_names(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the names of the voices that the repository has, as far as known."""
    from ..catalogue.current import CurrentCatalogue  # noqa: PLC0415
    from ..hub.settings import HubSettings  # noqa: PLC0415

    catalogue = CurrentCatalogue(_settings(parsed_args).data_dir, HubSettings())
    return [voice.name for voice in catalogue.read()]


def _settings(parsed: argparse.Namespace) -> Settings:
    return load_settings(parsed.config, os.environ, {"data_dir": parsed.data_dir})

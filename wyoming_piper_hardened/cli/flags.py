"""Settings as flags: a command takes those that change what it does, the common ones first."""

from __future__ import annotations

import argparse
import types
import typing
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..config.settings import Setting, Settings, all_settings
from ..config.types import SWITCH
from .completion import installed_names

Groups = Mapping[str, tuple[str, ...]]
"""Names of settings by the title under which the help shows them."""

SOUND = ("length_scale", "volume", "noise_scale", "noise_w_scale")
SILENCE = ("sentence_silence", "silence_before", "silence_after")
HUB = ("offline", "hub_endpoint", "hub_revision")
CHILD = ("stall_timeout", "synthesis_timeout")

SERVER: Groups = {
    "common": (
        *("uri", "voice", "languages", "web_uri", "web_token"),
        *("data_dir", "custom_voice_dirs", "log_level"),
    ),
    "voices": (
        *("speaker", "voices", "fallback_voice", "auto_install", "install_wait"),
        *("auto_repair", "repair_on_start", *HUB),
    ),
    "sound and text": (*SOUND, *SILENCE, "text", "max_segment_chars", "early_start"),
    "connections": (
        *("zeroconf", "web_trusted", "web_hosts", "web_origins", "max_connections"),
        *("idle_timeout", "max_queue", "request_timeout", "drain_accept", "drain_timeout"),
    ),
    "engine processes": (
        *("workers", "threads_per_worker", "spare_worker", "worker_memory_limit"),
        *("worker_max_segments", "resident_voices", *CHILD),
    ),
}
"""The flags of a server; `every_setting` adds those that are not here."""

_VOICE_NAMES = {"voice", "fallback_voice"}
_NAMED = {
    **dict.fromkeys(("uri", "web_uri"), "URI"),
    **dict.fromkeys(("hub_endpoint", "otel_endpoint"), "URL"),
    "web_token": "TOKEN",
    **dict.fromkeys(_VOICE_NAMES, "NAME"),
}
_PLACEHOLDERS = {int: "N", float: "N", Path: "FOLDER", str: "TEXT", tuple: "A,B"}


def every_setting() -> Groups:
    """Return all settings by group."""
    grouped = {name for names in SERVER.values() for name in names}
    rest = tuple(setting.name for setting in all_settings() if setting.name not in grouped)
    return {**SERVER, "more": rest} if rest else SERVER


def flag(name: str) -> str:
    """Return the flag of a setting."""
    return "--" + name.replace("_", "-")


def add_settings(
    parser: argparse.ArgumentParser, groups: Groups, explanations: Mapping[str, str]
) -> None:
    """Add the flags of settings, with explanations, or the first sentence of their declaration."""
    known = {setting.name: setting for setting in all_settings()}
    for title, names in groups.items():
        group = parser.add_argument_group(title)
        for name in names:
            text = explanations.get(name) or _first_sentence(known[name].help)
            _add(group, known[name], text.replace("%", "%%"))


def add_seldom(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Add the flags of settings that few people need; the help has their names alone."""
    known = {setting.name: setting for setting in all_settings()}
    shown = ", ".join(map(flag, names))
    group = parser.add_argument_group("seldom needed, see `serve --help`", shown)
    for name in names:
        _add(group, known[name], argparse.SUPPRESS)


def join_switch_values(arguments: Sequence[str]) -> list[str]:
    """Return arguments without values of switches: ``--offline=1`` and ``--offline true``."""
    switches = {flag(setting.name) for setting in all_settings() if _is_switch(setting)}
    joined: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*joined, *arguments[place:]]
        name, given, value = argument.partition("=")
        if joined and joined[-1] in switches and argument.lower() in {"true", "false"}:
            joined.append(_switched(joined.pop(), argument))
        elif name in switches and given:
            joined.append(_switched(name, value))
        else:
            joined.append(argument)
    return joined


def _first_sentence(text: str) -> str:
    sentence = text.partition(". ")[0].removesuffix(".")
    return sentence[0].lower() + sentence[1:]


def _switched(name: str, value: str) -> str:
    try:
        return name if SWITCH(value) else f"--no-{name.removeprefix('--')}"
    except ValueError:
        return f"{name}={value}"  # which the parser refuses


def _add(group: Any, setting: Setting, explanation: str) -> None:
    common = {"dest": setting.name, "default": None, "help": explanation}
    if _is_switch(setting):
        action = argparse.BooleanOptionalAction
        group.add_argument(flag(setting.name), action=action, **common)
    else:
        added = group.add_argument(flag(setting.name), metavar=_placeholder(setting), **common)
        if setting.name in _VOICE_NAMES:
            added.completer = installed_names


def _is_switch(setting: Setting) -> bool:
    return isinstance(setting.default, bool)


def _placeholder(setting: Setting) -> str:
    """Return what stands for a value in the help."""
    hint = typing.get_type_hints(Settings)[setting.name]
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in hint.__args__ if kind is not types.NoneType)
    if setting.name in _NAMED:
        return _NAMED[setting.name]
    kind = typing.get_origin(hint) or hint
    if issubclass(kind, StrEnum):
        return "|".join(kind)
    return _PLACEHOLDERS[kind]

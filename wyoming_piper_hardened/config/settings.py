"""Settings: what can be set, what is allowed, and where the values come from.

One field of `Settings` is one setting: name, default, check and explanation stand together, and
the command line, the environment, the file and docs/settings.md are all made from them.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import platformdirs
import voluptuous as vol

from . import types
from .presets import PRESETS, SCALES, SILENCES, SPEAKER, Preset
from .types import Check

_APPLICATION = "wyoming-piper-hardened"


def default_data_dir() -> Path:
    """Return where the user's data lie; for a user without a home folder below ``/var/lib``.

    Services have such users: those of systemd's ``DynamicUser``, or of a container.
    """
    try:
        return Path(platformdirs.user_data_dir(_APPLICATION))
    except RuntimeError:
        return Path("/var/lib", _APPLICATION)


class LogLevel(StrEnum):
    """Verbosity of the log; only ``debug`` shows details of requests."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """Format of the log's lines."""

    TEXT = "text"
    JSON = "json"


def _option(default: Any, check: Check, help_text: str) -> Any:
    return field(default=default, metadata={"check": check, "help": help_text})


_NAME = Check("the name of a voice, such as en_US-joe-medium", types.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, checked. Optional ones may be null or empty in a file."""

    uri: str = _option(
        "tcp://0.0.0.0:10200",
        Check("tcp://HOST:PORT or unix:///PATH", types.uri("tcp", "unix")),
        "Where Wyoming clients connect. [::] as HOST, or none, is IPv4 and IPv6.",
    )
    web_uri: str | None = _option(
        None,
        types.optional(Check("http://HOST:PORT", types.uri("http"))),
        "Where the web page and the API are served. Empty: nowhere. 127.0.0.1 as HOST is for this "
        "machine alone.",
    )
    web_token: str | None = _option(
        None,
        types.optional(Check("a text of 16 to 200 letters, digits and -._~+/=", types.token)),
        "Asked of all callers of the web page and the API. Empty: other machines may look "
        "and have it speak, but change nothing.",
    )
    web_trusted: tuple[str, ...] = _option(
        (),
        Check("a list of addresses or networks", types.networks),
        "Proxies that let only the right people through, such as Home Assistant's ingress. If "
        "there are any, nobody else reaches the page.",
    )
    web_hosts: tuple[str, ...] = _option(
        (),
        Check("a list of host names", types.host_names),
        "Names by which this machine may ask for the page, besides localhost, its own and that in "
        "`web_uri`.",
    )
    web_origins: tuple[str, ...] = _option(
        (),
        Check("a list of origins such as https://HOST or app://obsidian.md", types.origins),
        "Pages of others, and browser extensions, that may use the API as their user may.",
    )
    data_dir: Path = _option(
        default_data_dir(),
        Check("a folder", types.path),
        "Folder of downloaded and custom voices.",
    )
    voice: str = _option(
        "en_US-joe-medium",
        _NAME,
        "The voice of requests that name none: any installed voice, or a preset. Another chosen "
        "while the server runs (page, API, command) wins until this setting is changed.",
    )
    fallback_voice: str | None = _option(
        None,
        types.optional(_NAME),
        "Speaks whole requests while the voice they ask for cannot speak.",
    )
    voices: tuple[str, ...] = _option(
        (),
        Check("a list of names of voices (separated by commas in a flag or variable)", types.texts),
        "More voices to load at start, so that their first sentence does not wait.",
    )
    speaker: str | None = _option(
        None,
        types.optional(SPEAKER),
        "The speaker of `voice` when a request names none; voices with several speakers only.",
    )
    length_scale: float | None = _option(
        None,
        types.optional(SCALES["length_scale"]),
        "Speed: 0.5 is twice as fast, 2 is half as fast. Empty: as the voice was made.",
    )
    noise_scale: float | None = _option(
        None,
        types.optional(SCALES["noise_scale"]),
        "Liveliness of the sound. Empty: as the voice was made.",
    )
    noise_w_scale: float | None = _option(
        None,
        types.optional(SCALES["noise_w_scale"]),
        "Liveliness of the rhythm. Empty: as the voice was made.",
    )
    volume: float = _option(
        1.0,
        SCALES["volume"],
        "Loudness; 1 is as the voice was made, twice that is 6 dB more. A limiter avoids clipping.",
    )
    sentence_silence: float = _option(
        0.0, SILENCES["sentence_silence"], "Pause added between two sentences."
    )
    silence_before: float = _option(
        0.0,
        SILENCES["silence_before"],
        "Silence before the first word of a request, for speakers that wake late.",
    )
    silence_after: float = _option(
        0.0,
        SILENCES["silence_after"],
        "Silence after the last word of a request, for speakers that fall asleep early.",
    )
    presets: tuple[Preset, ...] = _option(
        (),
        PRESETS,
        "Voices with options of their own, offered to clients under names of their own: "
        '`[{"name": "Joe, slowly", "voice": "en_US-joe-medium", "length_scale": 1.3}]`.',
    )
    max_segment_chars: int = _option(
        500,
        types.whole_number(50, 500),
        "Longest piece of text given to the engine at once; longer sentences are cut at clauses.",
    )
    text: types.TextTreatment = _option(
        types.TextTreatment.ON,
        types.one_of(types.TextTreatment),
        "`on`: texts are read as they are meant; `marks`: all but numbers; `off`: as they came.",
    )
    early_start: bool = _option(
        default=True, check=types.SWITCH, help_text="Begin streamed text at its first clause."
    )
    stall_timeout: float = _option(
        10.0,
        types.number(1, 600, " (seconds)"),
        "An engine process that makes no audio for so long in mid-segment is killed and replaced.",
    )
    synthesis_timeout: float = _option(
        30.0,
        types.number(1, 600, " (seconds)"),
        "The same for a voice that cannot stream: it must have made a whole phrase by then.",
    )
    request_timeout: float = _option(
        60.0,
        types.number(5, 600, " (seconds)"),
        "A request whose next segment has not begun to sound after so long ends in an error.",
    )
    workers: int = _option(
        0,
        types.whole_number(0, 16, "; 0 chooses by processor and memory"),
        "Engine processes side by side.",
    )
    threads_per_worker: int = _option(
        0, types.whole_number(0, 64, "; 0 chooses by processor"), "Threads of one engine process."
    )
    spare_worker: bool = _option(
        default=False,
        check=types.SWITCH,
        help_text="Keep one more engine process ready that takes over at once when another dies.",
    )
    worker_memory_limit: int = _option(
        0,
        types.whole_number(0, 65536, " (megabytes); 0 chooses by memory"),
        "An engine process that has grown beyond is replaced, without a gap; at twice that it is "
        "killed although it speaks, and the segment goes on in another one.",
    )
    worker_max_segments: int = _option(
        0,
        types.whole_number(0, 1_000_000, "; 0 means no limit"),
        "An engine process that has spoken so many segments is replaced, without a gap.",
    )
    resident_voices: int = _option(
        3,
        types.whole_number(1, 50),
        "Voices that one engine process keeps loaded; a medium voice takes about 100 MB.",
    )
    max_queue: int = _option(
        32,
        types.whole_number(1, 1000),
        "Requests that may wait while every worker is busy; further ones are refused at once.",
    )
    max_connections: int = _option(
        64,
        types.whole_number(1, 10000),
        "Connections at once. Beyond, the one that was idle longest makes room.",
    )
    idle_timeout: float = _option(
        330.0,
        types.number(30, 3600, " (seconds)"),
        "A connection that says nothing for so long is closed. Must outlast the pauses of a "
        "language model; Home Assistant gives up after 300.",
    )
    drain_accept: float = _option(
        0.0,
        types.number(0, 60, " (seconds)"),
        "A server that is asked to stop is not ready any more, but takes new requests for so long; "
        "5 behind a load balancer.",
    )
    drain_timeout: float = _option(
        5.0,
        types.number(0, 600, " (seconds)"),
        "How long a server that stops goes on with requests that have begun; the rest ends in an "
        "error. A second signal ends them at once.",
    )
    zeroconf: str | None = _option(
        None,
        types.optional(Check("a name", types.text)),
        "Announce the server in the local network under this name (needs the extra `zeroconf`).",
    )
    hub_endpoint: str | None = _option(
        None,
        types.optional(Check("http://HOST or https://HOST", types.text)),
        "A mirror of the voice repository. Empty: HF_ENDPOINT, or the public one.",
    )
    hub_revision: str = _option(
        "main",
        Check("a branch, a tag or a commit", types.text),
        "Which state of the repository's voices to install.",
    )
    offline: bool = _option(
        default=False,
        check=types.SWITCH,
        help_text="Never use the network but for clients.",
    )
    auto_install: bool = _option(
        default=True,
        check=types.SWITCH,
        help_text="Offer the voices of `languages` to clients, and install one when it is asked "
        "for; install the voices of these settings if they are missing.",
    )
    languages: tuple[str, ...] = _option(
        (),
        Check("a list of languages such as en_GB or de", types.texts),
        "Languages whose voices are offered. Empty: those of the voices that these settings name.",
    )
    install_wait: float = _option(
        20.0,
        types.number(0, 300, " (seconds)"),
        "Time a request waits for its voice to be installed before it ends in an error.",
    )
    auto_repair: bool = _option(
        default=True,
        check=types.SWITCH,
        help_text="Repair voices that are found damaged, without being asked.",
    )
    repair_on_start: tuple[str, ...] = _option(
        (),
        Check("a list of names of voices, or all", types.texts),
        "Voices to verify, and to repair if damaged, when the server starts.",
    )
    custom_voice_dirs: tuple[Path, ...] = _option(
        (),
        Check("a list of folders", types.paths),
        "Folders that are watched for voices of your own: NAME.onnx with NAME.onnx.json beside it.",
    )
    log_level: LogLevel = _option(
        LogLevel.INFO,
        types.one_of(LogLevel),
        "How much is logged. `debug` also keeps the last texts in memory, for /api/status.",
    )
    log_format: LogFormat = _option(
        LogFormat.TEXT,
        types.one_of(LogFormat),
        "`json` writes one object a line, for programs that collect logs.",
    )
    otel_endpoint: str | None = _option(
        None,
        types.optional(Check("http://HOST:PORT or https://HOST", types.base_url)),
        "An OpenTelemetry collector that gets one span a request, never its text, by OTLP over "
        "HTTP (needs the extra `otel`). Empty: none.",
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings."""

    name: str
    default: Any
    allowed: str
    help: str
    check: Check


def all_settings() -> tuple[Setting, ...]:
    """Return every setting in the order of `Settings`."""
    return tuple(_setting(f) for f in fields(Settings))


def schema() -> vol.Schema:
    """Return the schema of a settings file: every key optional, no other key allowed."""
    return vol.Schema({vol.Optional(s.name): s.check for s in all_settings()})


def _setting(declared: Field[Any]) -> Setting:
    assert declared.default is not MISSING
    check = cast("Check", declared.metadata["check"])
    return Setting(declared.name, declared.default, check.allowed, declared.metadata["help"], check)

"""The commands and their arguments."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from .. import __version__
from ..config.settings import all_settings
from .completion import installed_names, known_names
from .flags import CHILD, HUB, SILENCE, SOUND, Groups, add_seldom, add_settings, every_setting, flag
from .streams import printable

SHELLS = ("bash", "zsh", "fish")

_STORED: Groups = {"settings": ("data_dir", "log_level")}
_WATCHED: Groups = {"settings": ("data_dir", "custom_voice_dirs", "log_level")}
_TESTED: Groups = {"settings": ("data_dir", *CHILD, "log_level")}
_FETCHED: Groups = {"settings": ("data_dir", "custom_voice_dirs", *HUB, *CHILD, "log_level")}


class Formatter(argparse.HelpFormatter):
    """Lines of at most 100 columns, not broken within a flag."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)
        self._width = min(self._width, 100)

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],  # noqa: ARG002 - of flags
        prefix: str | None = None,
    ) -> None:
        """Show arguments alone: the flags, which are many, are listed below."""
        positional = [action for action in actions if not action.option_strings]
        if prefix is None:  # else this is how parsers of commands get their names
            self._prog = f"{self._prog} [FLAG...]"
        super().add_usage(usage, positional, (), prefix)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if isinstance(action, argparse.BooleanOptionalAction):
            return "/".join(action.option_strings)
        return super()._format_action_invocation(action)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent("\n".join(self._split_lines(text, width)), indent)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """A parser that suggests what may have been meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=Formatter, **options)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        """Exit because of arguments that are wrong, which may be names that others gave."""
        super().error(printable(message))

    def refuse(self, unknown: list[str]) -> NoReturn:
        """Exit because of arguments that this command does not take."""
        name = unknown[0].partition("=")[0]
        if not name.startswith("--"):
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        settings = {flag(setting.name) for setting in all_settings()}
        problem = "has no effect on this command" if name in settings else "is not known"
        self.error(f"{name} {problem}{_suggestion(name, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            near = _suggestion(value, choices) or f"; there are: {', '.join(choices)}"
            raise argparse.ArgumentError(action, f"{value!r} is not known{near}")


def _suggestion(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""


def build_parser() -> Parser:
    """Return the parser of the program; each command's name is ``module:function``."""
    parser = Parser(
        prog="wyoming-piper-hardened",
        description="Text-to-speech for Wyoming clients.",
        epilog="COMMAND --help shows the flags of a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_servers(commands)
    _add_speech(commands)
    health = _command(commands, "health", "health:health", "ask a server whether it can speak")
    _settings(health, {"settings": ("uri",)})
    voices = commands.add_parser("voices", help="list, install, check and remove voices")
    _add_voices(voices.add_subparsers(required=True, metavar="ACTION"))
    completion = _command(
        commands, "completion", "completion:completion", "print what makes a shell complete this"
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    completion.epilog = "For bash: source <(wyoming-piper-hardened completion bash)"
    completion.set_defaults(config=None)
    return parser


def _add_servers(commands: Any) -> None:
    serve = _command(commands, "serve", "serve:serve", "serve Wyoming clients")
    _settings(serve, every_setting())
    app = _command(commands, "app", "app:serve", "serve as an app of Home Assistant")
    app.add_argument("--options", type=Path, metavar="FILE", help="the app's options")
    app.add_argument("--supervisor", metavar="URL", help="where the Supervisor is")
    add_settings(app, every_setting(), {})


def _add_speech(commands: Any) -> None:
    say = _command(commands, "say", "say:say", "speak one text, without a server")
    say.add_argument("words", metavar="TEXT", help="what to say; - reads it from standard input")
    say.add_argument(
        "--output", metavar="FILE.wav", help="a file, or - for standard output; else it is played"
    )
    _settings(
        say,
        {
            "voice": ("voice", "speaker", "offline", "auto_install", "data_dir"),
            "sound and text": (*SOUND, *SILENCE, "text"),
        },
        {
            "voice": "who speaks; installed first if it is not there",
            "speaker": "name or number, of a voice with several speakers",
            "auto_install": "whether to install it",
            "volume": "loudness; 1 is as the voice was made",
            "silence_before": "silence before the first word",
            "silence_after": "silence after the last word",
            "text": "as it is meant, all but numbers, or as it came",
        },
        seldom=(
            *("custom_voice_dirs", "hub_endpoint", "hub_revision", "max_segment_chars"),
            *("workers", "threads_per_worker", "worker_memory_limit"),
            *("request_timeout", *CHILD, "log_level"),
        ),
    )
    text = _command(
        commands, "text", "text:text", "show how a text will be spoken, without speaking it"
    )
    text.add_argument("words", metavar="TEXT", help="the text; - reads it from standard input")
    text.add_argument("--language", metavar="CODE", help="such as de; else that of the voice")
    text.add_argument("--ssml", action="store_true", help="the text is SSML")
    text.add_argument("--json", action="store_true", help="for programs")
    names = ("voice", "text", "max_segment_chars", "custom_voice_dirs", "data_dir")
    _settings(text, {"settings": (*names, *HUB, "log_level")})


def _add_voices(actions: Any) -> None:
    listing = _command(actions, "list", "listing:show", "list the installed voices")
    listing.add_argument("--available", action="store_true", help="those of the voice repository")
    listing.add_argument(
        "--refresh", action="store_true", help="ask the repository for its newest list first"
    )
    listing.add_argument(
        "--language", metavar="CODE", help="only these: a code such as en_GB or en"
    )
    listing.add_argument("--paths", action="store_true", help="show the folders of voices, too")
    listing.add_argument("--json", action="store_true", help="for programs")
    _settings(listing, {"settings": ("data_dir", "voice", *HUB, "log_level")})
    text = "show a voice, installed or not, and its model card, which names its licence"
    shown = _command(actions, "show", "show:show", text)
    one = shown.add_argument("name", metavar="NAME", help="of a voice")
    one.completer = known_names  # type: ignore[attr-defined]
    shown.add_argument("--json", action="store_true", help="for programs")
    _settings(shown, {"settings": ("data_dir", *HUB, "log_level")})
    for name, count, text, settings, completer in (
        ("install", "+", "install voices of the voice repository", _FETCHED, known_names),
        ("verify", "*", "read every byte of voices; of all if none is named", _STORED, None),
        ("repair", "+", "verify voices, and get again what is damaged", _FETCHED, None),
        ("remove", "+", "remove voices from the data directory", _WATCHED, None),
    ):
        action = _command(actions, name, f"voices:{name}", text)
        names = action.add_argument("names", metavar="NAME", nargs=count, help="of a voice")
        names.completer = completer or installed_names  # type: ignore[attr-defined]
        _settings(action, settings)
    _add_moving(actions)
    text = "remove versions that do not serve, and what is in quarantine"
    _settings(_command(actions, "gc", "voices:collect_garbage", text), _STORED)


def _add_moving(actions: Any) -> None:
    export = _command(actions, "export", "voices:export", "write a voice into one file")
    name = export.add_argument("name", metavar="NAME", help="of an installed voice")
    name.completer = installed_names  # type: ignore[attr-defined]
    export.add_argument("file", type=Path, metavar="FILE.tar", help="for `voices import`")
    _settings(export, _STORED)
    mirror = _command(
        actions,
        "mirror",
        "voices:mirror",
        "write voices into a folder, to be served as hub_endpoint",
    )
    mirror.add_argument("folder", type=Path, metavar="FOLDER", help="of a web server")
    names = mirror.add_argument("names", metavar="NAME", nargs="+", help="of a voice")
    names.completer = known_names  # type: ignore[attr-defined]
    _settings(mirror, {"settings": ("data_dir", *HUB, "log_level")})
    text = "install voices of your own, and those that other machines exported"
    files = _command(actions, "import", "voices:import_files", text)
    files.add_argument(
        "paths",
        type=Path,
        metavar="PATH",
        nargs="+",
        help="PATH.onnx with PATH.onnx.json beside it, or a file of `voices export`",
    )
    _settings(files, _TESTED)


def _command(commands: Any, name: str, function: str, text: str) -> Parser:
    description = f"{text[0].upper()}{text[1:]}."
    parser: Parser = commands.add_parser(name, help=text, description=description)
    parser.set_defaults(command=function)
    return parser


def _settings(
    parser: Parser,
    groups: Groups,
    explanations: Mapping[str, str] = MappingProxyType({}),
    seldom: tuple[str, ...] = (),
) -> None:
    """Add flags of settings, and where else these can be set."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in YAML or JSON")
    add_settings(parser, groups, explanations)
    if seldom:
        add_seldom(parser, seldom)

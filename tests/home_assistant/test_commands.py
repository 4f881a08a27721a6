"""Lines that are commands, and those that are none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from conftest import Script, Serve
from support.events import logged
from support.waiting import eventually
from wyoming_piper_hardened.config.presets import Preset
from wyoming_piper_hardened.config.settings import Settings
from wyoming_piper_hardened.control import Control
from wyoming_piper_hardened.home_assistant.app import App
from wyoming_piper_hardened.home_assistant.commands import COMMANDS, parse
from wyoming_piper_hardened.home_assistant.errors import (
    CommandError,
    CommandFieldsError,
    CommandUnknownError,
)
from wyoming_piper_hardened.home_assistant.options import AppOptions
from wyoming_piper_hardened.home_assistant.standard_input import MAX_LINE_BYTES
from wyoming_piper_hardened.status.reporter import StatusReporter
from wyoming_piper_hardened.status.rows import CommandRecord

JOE = "en_US-joe-medium"
SLOWLY = Preset(name="Joe, slowly", voice=JOE, length_scale=1.3)


@pytest.mark.parametrize(
    ("value", "name", "fields"),
    [
        ({"command": "repair", "voice": JOE}, "repair", {"voice": JOE}),
        (f"repair {JOE}", "repair", {"voice": JOE}),
        (f"  install   {JOE} ", "install", {"voice": JOE}),
        ("status", "status", {}),
        ({"command": "pair", "token": "t" * 43}, "pair", {"token": "t" * 43}),
        ("unpair", "unpair", {}),
        ("reset_breaker", "reset_breaker", {}),
        (f"reset_breaker {JOE}", "reset_breaker", {"voice": JOE}),
        ("set_default_voice Joe, slowly", "set_default_voice", {"voice": "Joe, slowly"}),
        ("set_default_voice", "set_default_voice", {}),
        ("say", "say", {}),
        ("say Hello.", "say", {"text": "Hello."}),
        ({"command": "say", "text": "Hello. ", "voice": JOE}, "say", None),
        ({"command": "say", "text": "\ud83d"}, "say", {"text": "?"}),
    ],
)
def test_both_forms(value: object, name: str, fields: dict[str, str] | None) -> None:
    command = parse(json.dumps(value).encode())
    assert command.name == name
    assert fields is None or command.fields == fields
    assert "Hello" not in f"{command.shown} {command!r}"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", CommandError),
        ("repair x", CommandError),
        ("5", CommandError),
        ("[]", CommandError),
        ("null", CommandError),
        ("{}", CommandError),
        ('{"command": 5}', CommandError),
        ('""', CommandUnknownError),
        ('"gc"', CommandUnknownError),
        ('"Repair x"', CommandUnknownError),
        ('{"command": "say private"}', CommandUnknownError),
        ('{"command": "' + "x" * 5000 + '"}', CommandUnknownError),
        ('"repair"', CommandFieldsError),
        ('"status now"', CommandFieldsError),
        ('{"command": "repair", "voice": ""}', CommandFieldsError),
        ('{"command": "repair", "voice": 5}', CommandFieldsError),
        ('{"command": "repair", "voice": "a\\nb"}', CommandFieldsError),
        ('{"command": "repair", "voice": "' + "x" * 101 + '"}', CommandFieldsError),
        ('"remove ../../etc"', CommandFieldsError),
        ('{"command": "repair", "voice": "x", "force": true}', CommandFieldsError),
        ('{"command": "pair"}', CommandFieldsError),
        ('{"command": "pair", "token": "private"}', CommandFieldsError),
        (
            '{"command": "pair", "token": "private private private private private"}',
            CommandFieldsError,
        ),
        ('"unpair private"', CommandFieldsError),
        ('{"command": "set_default_voice", "voice": "a\\nb"}', CommandFieldsError),
        ('{"command": "set_default_voice", "voice": "' + "x" * 101 + '"}', CommandFieldsError),
        ('{"command": "set_default_voice", "voice": 5}', CommandFieldsError),
        ('{"command": "say", "text": ["private"]}', CommandFieldsError),
        ('{"command": "say", "txet": "private"}', CommandFieldsError),
    ],
)
def test_anything_else_is_a_named_error(line: str, kind: type[CommandError]) -> None:
    with pytest.raises(CommandError) as raised:
        parse(line.encode())
    assert type(raised.value) is kind
    message = str(raised.value.args)
    assert len(message) < 300
    assert "private" not in message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=5,
)
NAMES = st.sampled_from([*COMMANDS, "voice", "text", "command"])


@settings(max_examples=300, deadline=None)
@given(
    line=st.binary()
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(NAMES, VALUES | NAMES).map(lambda value: json.dumps(value).encode())
)
def test_no_line_whatever_is_too_much(line: bytes) -> None:
    with contextlib.suppress(CommandError):
        command = parse(line)
        assert command.name in COMMANDS
        assert command.shown.isprintable()


@dataclass
class Bench:
    """A server in this process, and what is written to its standard input."""

    status: StatusReporter
    input: FileIO

    async def write(self, *lines: bytes) -> None:
        await asyncio.to_thread(self.input.write, b"".join(line + b"\n" for line in lines))

    @property
    def records(self) -> tuple[CommandRecord, ...]:
        return self.status.snapshot().commands


@pytest.fixture
async def bench(
    start_server: Serve, script: Script, tmp_path: Path, own_data: Path
) -> AsyncIterator[Bench]:
    reader, writer = os.pipe()
    options = AppOptions(Settings(data_dir=tmp_path))
    with open(writer, "wb", buffering=0) as opened:  # noqa: ASYNC230, PTH123 - a descriptor
        server = await start_server(
            script(), app=App(options, commands=reader), data_dir=own_data, presets=(SLOWLY,)
        )
        yield Bench(server.status, opened)


async def test_outcomes_are_part_of_the_status(bench: Bench) -> None:
    await bench.write(
        b'"say"', b'{"command": "say", "voice": "nobody"}', b'{"command": "say", "text": "private"}'
    )
    await eventually(lambda: len(bench.records) == 3)
    first, second, third = bench.records
    assert (first.command, first.outcome) == ("say", "ok")
    assert JOE in first.message
    assert (second.command, second.outcome) == ("say nobody", "voice-not-found")
    assert third.outcome == "ok"
    assert third.at >= second.at
    assert "private" not in str(bench.status.snapshot())


async def test_default_voice_is_set_and_left_to_the_setting_again(bench: Bench) -> None:
    await bench.write(
        b'"set_default_voice nobody"', b'"set_default_voice Joe, slowly"', b'"set_default_voice"'
    )
    await eventually(lambda: len(bench.records) == 3)
    assert [record.outcome for record in bench.records] == ["voice-not-found", "ok", "ok"]
    assert "Joe, slowly" in bench.records[1].message
    assert JOE in bench.records[2].message


async def test_a_bug_in_one_does_not_end_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Control, "restart_workers", broken)
    await bench.write(b'"restart_workers"', b'"status"')
    await eventually(lambda: len(bench.records) == 2)
    assert [record.outcome for record in bench.records] == ["internal-error", "ok"]


def codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the codes of the commands that were rejected."""
    return [event.params["code"] for event in logged(caplog, "command-rejected")]


async def test_too_many_at_once_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def slow(_control: Control, _name: str) -> asyncio.Future[tuple[()]]:
        await release.wait()
        verified: asyncio.Future[tuple[()]] = asyncio.get_running_loop().create_future()
        verified.set_result(())
        return verified

    monkeypatch.setattr(Control, "start_verify", slow)
    await bench.write(*[b'"verify x"'] * 50)
    await eventually(lambda: "commands-waiting" in codes(caplog))
    assert not bench.records
    release.set()
    await eventually(lambda: len(bench.records) >= 32)
    await bench.write(b'"status"')
    await eventually(lambda: bench.records[-1].command == "status")
    assert len(bench.records) < 50


async def test_a_flood_of_junk_floods_neither_the_log_nor_the_loop(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.write(*[b"junk"] * 50_000, b"x" * (MAX_LINE_BYTES + 1), b'"status"')
    await eventually(lambda: bench.records)
    assert [record.command for record in bench.records] == ["status"]
    assert 0 < len(codes(caplog)) <= 30

"""``python -m booted ROOT``: see ``script/test-systemd``. Exit code 1 when anything failed."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .machine import Machine, MachineError

SERVICE = "wyoming-piper-hardened"
HOME = f"/opt/{SERVICE}"
PYTHON = f"{HOME}/current/bin/python"
INSTALL = "/root/clone/script/install"
MOST_SECONDS = 3.0
"""From the start of the service to the first word."""
MOST_EXPOSURE = 2.0

SPEAK = """
import asyncio, sys
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

async def speak(text, count):
    while True:
        try:
            async with AsyncTcpClient("127.0.0.1", 10200) as client:
                await client.write_event(Synthesize(text=text).event())
                while (event := await client.read_event()) is not None:
                    if event.type == "audio-chunk":
                        print(event.type, flush=True)
                        if count == "first":
                            return
                    elif event.type in ("audio-stop", "error"):
                        print(event.type, flush=True)
                        return
                print("closed", flush=True)
                return
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)

asyncio.run(asyncio.wait_for(speak(*sys.argv[1:]), 60))
"""


def main() -> int:
    """Try everything in order; return the exit code."""
    root = Path(sys.argv[1])
    try:
        with Machine.booted(root) as machine:
            for check in (
                installs_without_a_network,
                first_word_comes_soon,
                killed_server_is_replaced,
                frozen_event_loop_is_replaced,
                stop_lets_finish_what_has_begun,
                update_and_way_back,
                broken_update_is_taken_back,
            ):
                report(check, machine)
        with Machine.booted(root) as machine:  # after a power cut
            for check in (boots_into_speech, is_removed):
                report(check, machine)
    except MachineError as err:
        print(f"failed: {err}", file=sys.stderr)
        return 1
    return 0


def report(check: Callable[[Machine], str], machine: Machine) -> None:
    """Run one check and print what it saw."""
    print(f"{check.__name__.replace('_', ' ')}: {check(machine)}", flush=True)


def installs_without_a_network(machine: Machine) -> str:
    """Install it, with only loopback; it comes up, and may do little."""
    machine.run(INSTALL, timeout=600)
    expect(machine.shows(SERVICE, "ActiveState"), "active")
    status = eventually(lambda: machine.shows(SERVICE, "StatusText"), "speaks")
    found = machine.run("systemd-analyze", "security", "--no-pager", SERVICE)
    exposure = re.search(r"Overall exposure level.*: ([0-9.]+)", found)
    if exposure is None or float(exposure[1]) > MOST_EXPOSURE:
        raise MachineError(f"exposed more than {MOST_EXPOSURE}: {found[-300:]}")
    return f"{status!r}, exposure {exposure[1]}"


def first_word_comes_soon(machine: Machine) -> str:
    """Measure from `systemctl start` to the first audio."""
    seconds = []
    for _ in range(3):
        machine.run("systemctl", "stop", SERVICE)
        begin = time.monotonic()
        machine.run("systemctl", "start", "--no-block", SERVICE)
        speak(machine)
        seconds.append(time.monotonic() - begin)
    if min(seconds) > MOST_SECONDS:
        raise MachineError(f"first word after {seconds}")
    lines = machine.run("journalctl", "--unit", SERVICE, "--output=cat", "--lines=8")
    assert "Traceback" not in lines
    return ", ".join(f"{one:.2f} s" for one in seconds)


def killed_server_is_replaced(machine: Machine) -> str:
    """Kill the server; its engines end with it."""
    before = machine.shows(SERVICE, "MainPID")
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", SERVICE)
    after = eventually(lambda: machine.shows(SERVICE, "MainPID"), f"^(?!(0|{before})$)")
    speak(machine)
    return f"process {before}, then {after}"


def frozen_event_loop_is_replaced(machine: Machine) -> str:
    """Stop the process, so that nothing feeds the watchdog."""
    folder = f"/run/systemd/system/{SERVICE}.service.d"
    machine.run(
        "sh", "-c", f"mkdir -p {folder}; printf '[Service]\\nWatchdogSec=3\\n' >{folder}/w.conf"
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", SERVICE)
    speak(machine)
    before = machine.shows(SERVICE, "MainPID")
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", SERVICE)
    after = eventually(lambda: machine.shows(SERVICE, "MainPID"), f"^(?!(0|{before})$)", 60)
    speak(machine)
    log = machine.run("journalctl", "--unit", SERVICE, "--output=cat", "--lines=50")
    if "atchdog timeout" not in log:
        raise MachineError(f"the watchdog is not in the journal: {log[-500:]}")
    machine.run("rm", "-r", folder)
    machine.run("systemctl", "daemon-reload")
    return f"process {before}, then {after}"


def stop_lets_finish_what_has_begun(machine: Machine) -> str:
    """Stop it while somebody listens."""
    text = "The dishwasher has finished. " * 3
    script = f'{PYTHON} -c "$1" "$2" all >/tmp/heard & '
    script += "while ! grep -q audio-chunk /tmp/heard; do sleep 0.02; done; "
    script += f"systemctl stop {SERVICE}; wait; tail -n 1 /tmp/heard"
    expect(machine.run("sh", "-c", script, "sh", SPEAK, text).strip(), "audio-stop")
    expect(machine.shows(SERVICE, "Result"), "success")
    expect(machine.shows(SERVICE, "ExecMainStatus"), "0")
    machine.run("systemctl", "start", SERVICE)
    return "heard to the end, exit code 0"


def update_and_way_back(machine: Machine) -> str:
    """Install it once more, then go back."""
    first = machine.run("readlink", f"{HOME}/current").strip()
    machine.run(INSTALL, timeout=600)
    second = machine.run("readlink", f"{HOME}/current").strip()
    if first == second:
        raise MachineError("the update has changed nothing")
    speak(machine)
    machine.run(INSTALL, "--rollback")
    expect(machine.run("readlink", f"{HOME}/current").strip(), first)
    speak(machine)
    return f"{first}, {second}, and back"


def broken_update_is_taken_back(machine: Machine) -> str:
    """Update to a version that ends at once when it shall serve."""
    before = machine.run("readlink", f"{HOME}/current").strip()
    unit = f"/root/clone/deploy/{SERVICE}.service"
    machine.run("sed", "-i", f"s|^ExecStart=.*|ExecStart={HOME}/current/bin/{SERVICE} fail|", unit)
    code, said = machine.answer(INSTALL, timeout=600)
    if code == 0:
        raise MachineError("a broken update was taken for a good one")
    expect(machine.run("readlink", f"{HOME}/current").strip(), before)
    speak(machine)
    return said.strip().splitlines()[-1]


def boots_into_speech(machine: Machine) -> str:
    """Hear it after a power cut, without having started it."""
    speak(machine)
    started = machine.run("systemd-analyze", "time").splitlines()[0]
    return f"{machine.shows(SERVICE, 'StatusText')!r}; {started}"


def is_removed(machine: Machine) -> str:
    """Remove it, first without the voices, then with them."""
    machine.run(INSTALL, "--uninstall")
    expect(machine.answer("systemctl", "is-active", SERVICE)[1].strip(), "inactive")
    machine.run("test", "-d", f"/var/lib/{SERVICE}")
    machine.run(INSTALL, "--uninstall", "--purge")
    left = machine.run("find", "/opt", "/etc", "/var/lib", "-name", f"*{SERVICE}*").strip()
    expect(left, "")
    return "nothing is left"


def speak(machine: Machine) -> None:
    """Wait until a sentence begins to be heard."""
    expect(machine.run(PYTHON, "-c", SPEAK, "Good morning.", "first").strip(), "audio-chunk")


def expect(value: str, wanted: str) -> None:
    """Raise MachineError if a value is not the one wanted."""
    if value != wanted:
        raise MachineError(f"{value!r} instead of {wanted!r}")


def eventually(look: Callable[[], str], pattern: str, seconds: float = 30) -> str:
    """Look until `pattern` is found; return what was seen.

    Raises:
        MachineError: it was not found within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not re.search(pattern, seen := look()):
        if time.monotonic() > deadline:
            raise MachineError(f"{seen!r} after {seconds:g} s, {pattern!r} is wanted")
        time.sleep(0.1)
    return seen


if __name__ == "__main__":
    sys.exit(main())

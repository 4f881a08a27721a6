"""A Debian that is booted in a container of systemd, with no network but loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class MachineError(Exception):
    """The machine did not boot, or a command in it failed."""


class Machine:
    """The machine; use through `booted`."""

    def __init__(self, container: subprocess.Popen[bytes]) -> None:
        self._container = container
        self._init = 0

    @classmethod
    @contextlib.contextmanager
    def booted(cls, root: Path) -> Iterator[Machine]:
        """Boot the system below `root`; on leaving its power is cut: every process is killed.

        Raises:
            MachineError: it was not up after two minutes.
        """
        container = subprocess.Popen(
            (
                *("systemd-nspawn", "--quiet", f"--directory={root}", "--boot"),
                *("--register=no", "--keep-unit", "--private-network", "--console=pipe"),
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        machine = cls(container)
        try:
            machine._await_boot(time.monotonic() + 120)
            yield machine
        finally:
            if machine._init:  # the kernel ends all processes of the machine with its first
                with contextlib.suppress(ProcessLookupError):
                    os.kill(machine._init, signal.SIGKILL)
            else:
                container.terminate()
            container.wait()

    def run(self, *command: str, timeout: float = 300) -> str:
        """Run a command as root, and return what it prints.

        Raises:
            MachineError: it failed, or took longer than `timeout` seconds.
        """
        code, output = self.answer(*command, timeout=timeout)
        if code:
            raise MachineError(f"{' '.join(command)[:200]}: exit code {code}\n{output[-2000:]}")
        return output

    def answer(self, *command: str, timeout: float = 300) -> tuple[int, str]:
        """Run a command as root, and return its exit code and what it prints."""
        inside = ("nsenter", f"--target={self._init}", "--all", "--root")
        clean = ("env", "-i", "--chdir=/", f"PATH={_PATH}", "HOME=/root", "LANG=C.UTF-8")
        offline = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")
        try:
            done = subprocess.run(
                (*inside, *clean, *offline, *command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MachineError(f"{' '.join(command)[:200]}: not done in {timeout:g} s") from None
        return done.returncode, done.stdout.decode(errors="replace")

    def shows(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def _await_boot(self, deadline: float) -> None:
        while True:
            if self._container.poll() is not None or time.monotonic() > deadline:
                raise MachineError("it did not boot: does systemd-nspawn work on this machine?")
            if self._find_init():
                code, state = self.answer("systemctl", "is-system-running", "--wait", timeout=120)
                if state.strip() in {"running", "degraded"}:
                    return
                assert code
            time.sleep(0.2)

    def _find_init(self) -> bool:
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text("ascii").split():
                if Path(f"/proc/{child}/exe").readlink().name == "systemd":
                    self._init = int(child)
        return self._init > 0

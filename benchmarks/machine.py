"""The machine of a run, and the versions that were measured."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .results import Side

_PACKAGES = ("wyoming-piper", "wyoming-piper-hardened", "piper-tts", "onnxruntime", "numpy")
_LIST_VERSIONS = """
import importlib.metadata as metadata, json, platform, sys
versions = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """The circumstances of a run."""

    date: str
    command: str
    hardware: str
    load_average: float  # of the minute before the run
    versions: dict[Side, dict[str, str]]


def describe(command: str, pythons: dict[Side, Path]) -> Machine:
    """Look at this machine and into the environments of both servers."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    cores = len(os.sched_getaffinity(0))
    return Machine(
        date=f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        command=command,
        hardware=(
            f"{_processor()}, {cores} core{'s' * (cores != 1)}, {memory:.0f} GB, "
            f"{platform.system()} {_kernel()} {platform.machine()}"
        ),
        load_average=os.getloadavg()[0],
        versions={side: _versions(python) for side, python in pythons.items()},
    )


def differences(machine: Machine) -> list[str]:
    """Return packages whose versions differ between the environments: an unfair race."""
    first, second = machine.versions.values()
    return [name for name in first if name in second and first[name] != second[name]]


def _kernel() -> str:
    """Return the kernel's major and minor version, without what a distribution appends."""
    return ".".join(platform.release().split(".")[:2])


def _processor() -> str:
    """Return the first name that the kernel gives: the processor's on x86, the board's on a Pi."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    for key in ("model name", "Model", "Hardware"):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return platform.machine()


def _versions(python: Path) -> dict[str, str]:
    done = subprocess.run(  # noqa: S603 - the two environments under test
        [python, "-c", _LIST_VERSIONS, *_PACKAGES], capture_output=True, check=True, text=True
    )
    versions: dict[str, str] = json.loads(done.stdout)
    return versions

"""Print a lock file for a version of Home Assistant Core: all that our configuration needs.

usage: python -m real_home_assistant.lock CORE_VERSION      in a root file system, with a network
       python -m real_home_assistant.lock --requirements    in an environment that has that core

Home Assistant names the requirements of its integrations in their manifests, and installs them
when it first needs them. The checks run without a network, so they are installed beforehand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

OURS = {"api", "assist_pipeline", "conversation", "tts", "wyoming", "hassio"}
"""Integrations of the configuration in `home_assistant.py`, the one that is added, and one that
others import without saying so."""


def main() -> int:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", nargs="?")
    parser.add_argument("--requirements", action="store_true")
    arguments = parser.parse_args()
    lines = _requirements() if arguments.requirements else _lock(arguments.version)
    print("\n".join(lines))
    return 0


def _lock(version: str) -> list[str]:
    """Install the core and its requirements in a new environment; return what that brought."""
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin/python"))

        def run(*command: str) -> list[str]:
            done = subprocess.run(
                [python, "-m", *command], check=True, stdout=subprocess.PIPE, text=True
            )
            return done.stdout.split("\n")

        def install(*arguments: str) -> None:
            run("pip", "install", "--quiet", "--no-compile", "--no-cache-dir", *arguments)

        install(f"homeassistant=={version}")
        constraints = next(Path(folder).rglob("homeassistant/package_constraints.txt"))
        wanted = [line for line in run(f"{__package__}.lock", "--requirements") if line]
        install("--constraint", str(constraints), *wanted)
        return sorted((line for line in run("pip", "freeze") if line), key=str.lower)


def _requirements() -> list[str]:
    """Return the requirements of our integrations, of those always loaded, and of theirs."""
    from homeassistant import bootstrap, components  # noqa: PLC0415 - only here is it installed
    from homeassistant.auth.mfa_modules import totp  # noqa: PLC0415

    root = Path(components.__path__[0])
    waiting = OURS | bootstrap.CORE_INTEGRATIONS | bootstrap.DEFAULT_INTEGRATIONS
    requirements = set(totp.REQUIREMENTS)
    done: set[str] = set()
    while waiting:
        done.add(domain := waiting.pop())
        manifest = json.loads((root / domain / "manifest.json").read_text())
        requirements |= set(manifest.get("requirements", []))
        waiting |= set(manifest.get("dependencies", [])) - done
    return sorted(requirements)


if __name__ == "__main__":
    sys.exit(main())

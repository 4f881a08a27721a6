"""The program, with scrambled sentences if `scrambled.ENVIRONMENT` is set."""

from __future__ import annotations

import os

from support.scrambled import ENVIRONMENT, scramble
from wyoming_piper_hardened.__main__ import run

if __name__ == "__main__":
    if os.environ.get(ENVIRONMENT):
        scramble()
    run()

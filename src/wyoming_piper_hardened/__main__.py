"""``python -m wyoming_piper_hardened`` is the command ``wyoming-piper-hardened``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

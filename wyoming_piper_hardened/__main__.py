"""``python -m wyoming_piper_hardened`` is the command ``wyoming-piper-hardened``."""

import signal
import sys
from types import FrameType


def run() -> int:
    """Run the console script; stop signals are answered from the first moment, imports included."""
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, _stop)
    from .cli import main, print_exception  # noqa: PLC0415 - takes a while to import

    sys.excepthook = print_exception
    return main()


def _stop(_sign: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(run())

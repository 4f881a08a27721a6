"""``python -m image.aarch64 IMAGE``: compare what the image for aarch64 says with this machine.

The image speaks on a processor like a Raspberry Pi 4's, emulated unless the machine has one. Its
samples are those of another processor's arithmetic: as many of them, and so close that nobody
hears a difference. Within the image equal requests give equal bytes.
"""

from __future__ import annotations

import io
import platform
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

_TEXTS: Final = (
    "The cooker is still on.",
    "It is -5 °C outside, and the garden gate has been open since 9:30.",
)
_ROOT: Final = Path(__file__).parents[2]
_PATIENT: Final = ("STALL_TIMEOUT", "SYNTHESIS_TIMEOUT", "REQUEST_TIMEOUT")
"""Time limits that an emulated processor does not keep."""
_CLOSE: Final = 0.002
"""Root mean square of the difference, as part of that of the speech: 54 dB below it."""


def main() -> int:
    """Compare each text and print the figures; returns the exit code."""
    image = sys.argv[1]
    right = True
    for text in _TEXTS:
        begin = time.monotonic()
        theirs = _in_image(image, text)
        seconds = time.monotonic() - begin
        again = _in_image(image, text)
        ours = _here(text)
        deterministic = theirs == again
        one, other = _samples(theirs), _samples(ours)
        same_length = len(one) == len(other)
        difference = _relative(one, other) if same_length else 1.0
        right = right and deterministic and same_length and difference < _CLOSE
        print(
            f"{text!r}: {len(one)} samples in the image, {len(other)} on {platform.machine()}; "
            f"difference {difference:.5f} of the speech (at most {_CLOSE}), largest "
            f"{_largest(one, other):.0f} of 32767; equal bytes twice: {deterministic}; "
            f"{seconds:.1f} s with the start of the container"
        )
    print("passed" if right else "FAILED")
    return 0 if right else 1


def _in_image(image: str, text: str) -> bytes:
    container = (str(_ROOT / "script" / "container"), "run", "--rm", "--network", "none")
    variables = ("QEMU_CPU=cortex-a72", *(f"WPH_{name}=600" for name in _PATIENT))
    options = [word for variable in variables for word in ("--env", variable)]
    command = (*container, *options, image, "say", text, "--output", "-")
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def _here(text: str) -> bytes:
    with tempfile.TemporaryDirectory() as data:
        command = (sys.executable, "-m", "wyoming_piper_hardened", "say", text, "--output", "-")
        flags = ("--data-dir", data)
        return subprocess.run((*command, *flags), check=True, stdout=subprocess.PIPE).stdout


def _samples(audio: bytes) -> Samples:
    with wave.open(io.BytesIO(audio)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def _relative(one: Samples, other: Samples) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(other**2)))


def _largest(one: Samples, other: Samples) -> float:
    length = min(len(one), len(other))
    return float(np.max(np.abs(one[:length] - other[:length]), initial=0))


if __name__ == "__main__":
    sys.exit(main())

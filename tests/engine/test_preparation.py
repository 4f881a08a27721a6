"""The process that prepares: what it may take of the machine, and what it refuses to run."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wyoming.event import read_event

from conftest import Report
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.engine.messages import EXIT_CANNOT_START, LIMITED
from wyoming_piper_hardened.engine.preparation.limits import Limits, free_memory
from wyoming_piper_hardened.engine.report import Mode, SplitReport

pytestmark = pytest.mark.slow

MIB = 1 << 20
MEDIUM = 63_201_294
PREPARE = (sys.executable, "-m", "wyoming_piper_hardened.engine.preparation")
BOARD, SERVER = 8e9, 100e9
"""Operations a second of one core of a small board and of a server."""


MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
sys.exit(code)
"""
"""A small process that starts another, for that one's largest size includes its parent's."""


def prepare(model: Path, folder: Path) -> tuple[int, str, int]:
    """(exit code, what it says, largest resident size in bytes) of a preparation."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *PREPARE, str(model), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    said, _, peak = done.stdout.strip().rpartition("\n")
    events = io.BytesIO(said.encode())
    errors = [event for event in iter(lambda: read_event(events), None) if event.type != LIMITED]
    return done.returncode, "".join(map(str, errors)) + done.stderr, int(peak)


def test_a_medium_voice_is_prepared_within_260_mib(
    model: Path, tmp_path: Path, report: Report
) -> None:
    for file in (model, model.with_name(f"{model.name}.json")):
        shutil.copyfile(file, tmp_path / file.name)
    code, errors, peak = prepare(tmp_path / model.name, tmp_path)
    report(f"preparing a medium voice: {peak / MIB:.0f} MiB")
    assert (code, errors) == (0, "")
    assert SplitReport.read(tmp_path).mode is Mode.SPLIT
    assert peak <= 260 * MIB


def test_limits_follow_the_model_and_the_machine() -> None:
    board = Limits.choose(MEDIUM, 300 * MIB, BOARD)
    server = Limits.choose(MEDIUM, 64 << 30, SERVER)
    assert 200 * MIB < board.memory < 400 * MIB  # what it needs, whatever is free
    assert board.memory < server.memory < 2 << 30
    assert server.cpu_seconds < 120
    assert 5 * server.cpu_seconds < board.cpu_seconds < 900
    assert Limits.choose(2 * MEDIUM, 64 << 30, SERVER).memory > server.memory
    assert MEDIUM < board.file_bytes == server.file_bytes < MEDIUM + 50 * MIB


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max", 500), (str(1 << 30), 500), (str(300 * MIB), 120), (str(100 * MIB), 0), (None, 500)],
)
def test_free_memory_of_machine_and_container(
    tmp_path: Path, limit: str | None, expected: int
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 1 kB\nMemAvailable: 512000 kB\n")
    group = tmp_path / "sys/fs/cgroup"
    if limit is not None:
        group.mkdir(parents=True)
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text(f"{200 * MIB}\n")
        (group / "memory.stat").write_text(f"anon 5\ninactive_file {20 * MIB}\nfile 9\n")
    assert free_memory(tmp_path) == expected * MIB


def test_free_memory_without_linux(tmp_path: Path) -> None:
    assert free_memory(tmp_path) == 0


def limited(
    code: str, memory: int = 1 << 30, seconds: float = 60.0, file_bytes: int = MIB
) -> tuple[int, str]:
    """(exit code, standard error) of Python code that is held to limits."""
    program = (
        "import time\nfrom wyoming_piper_hardened.engine.preparation.limits import Limits\n"
        f"Limits({memory}, {seconds}, {file_bytes}).apply()\n{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stderr


def test_endless_work_is_ended_by_the_kernel() -> None:
    assert limited("while True: pass", seconds=0.5)[0] == -signal.SIGXCPU


def test_endless_file_is_ended_by_the_kernel(tmp_path: Path) -> None:
    file = tmp_path / "x"
    code = f"with open({str(file)!r}, 'wb', 0) as file:\n while True: file.write(bytes(100_000))"
    assert limited(code)[0] == -signal.SIGXFSZ
    assert file.stat().st_size == MIB


def test_memory_beyond_the_limit_is_refused() -> None:
    code, errors = limited("bytearray(1 << 30)", memory=500 * MIB)
    assert code == 1
    assert "MemoryError" in errors


def refused(model: onnx.ModelProto, folder: Path) -> str:
    """Return what is said by a preparation that fails as one of a model that is no voice."""
    onnx.save(model, folder / "v.onnx")
    shutil.copyfile(SINGLE_CONFIG, folder / "v.onnx.json")
    code, errors, _ = prepare(folder / "v.onnx", folder)
    assert code == EXIT_CANNOT_START
    assert not list(folder.glob("*coder.onnx"))
    return errors


def endless() -> onnx.NodeProto:
    """Return a loop of 2**62 rounds."""
    scalar = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    going = helper.make_tensor_value_info("going", TensorProto.BOOL, [])
    still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["still"])], "body", [scalar, going], [still]
    )
    return helper.make_node("Loop", ["rounds", ""], [], body=body)


@pytest.mark.parametrize("place", ["graph", "choice", "function"])
def test_a_loop_is_refused_by_name_before_it_runs(tmp_path: Path, place: str) -> None:
    model = onnx.load(SINGLE)
    loop = endless()
    if place == "choice":
        branch = helper.make_graph([loop], "branch", [], [])
        loop = helper.make_node("If", ["c"], [], then_branch=branch, else_branch=branch)
    if place == "function":
        opset = [helper.make_opsetid("", 15)]
        model.functions.append(helper.make_function("own", "F", [], [], [loop], opset))
        loop = helper.make_node("F", [], [], domain="own")
    rounds = numpy_helper.from_array(np.array(2**62), "rounds")
    model.graph.initializer.append(rounds)
    model.graph.node.append(loop)
    assert "the operation Loop, which no Piper voice has" in refused(model, tmp_path)


def test_a_model_that_asks_for_any_amount_of_memory_is_refused(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    (last,) = [node for node in model.graph.node if "output" in node.output]
    last.output[0] = "quiet"
    for name, value in (("amount", [1 << 33]), ("every", [0])):
        tensor = helper.make_tensor(name, TensorProto.INT64, [1], value)
        model.graph.initializer.append(tensor)
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["quiet"], ["shape"]),
            helper.make_node("Mul", ["shape", "amount"], ["large"]),
            helper.make_node("ConstantOfShape", ["large"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["quiet", "zero"], ["output"]),
        ]
    )
    assert "cannot speak" in refused(model, tmp_path)

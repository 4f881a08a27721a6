"""Numbers of workers and threads for any machine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.workers.sizing import choose_memory_limit, choose_size

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""

CORES = st.integers(1, 256)
MEMORY = st.integers(256 << 20, 1 << 40)


@UNHURRIED
@given(CORES, MEMORY)
def test_the_chosen_size_fits_the_machine_and_leaves_a_core(cores: int, memory: int) -> None:
    workers, threads = choose_size(0, 0, cores, memory)
    assert workers == 1 or workers * (512 << 20) <= memory // 2
    assert threads >= 1
    assert workers * threads <= max(1, cores if cores <= 2 else cores - 1)


@UNHURRIED
@given(st.integers(1, 16), st.integers(1, 64), CORES, MEMORY)
def test_sizes_that_are_set_are_kept_and_the_other_one_fits(
    workers: int, threads: int, cores: int, memory: int
) -> None:
    assert choose_size(workers, threads, cores, memory) == (workers, threads)
    kept, chosen = choose_size(workers, 0, cores, memory)
    assert kept == workers
    assert chosen >= 1
    assert chosen == 1 or workers * chosen <= cores
    chosen, kept = choose_size(0, threads, cores, memory)
    assert kept == threads
    assert chosen >= 1
    assert chosen == 1 or chosen * threads <= cores


@pytest.mark.parametrize(
    ("cores", "gigabytes", "size"),
    [(1, 1, (1, 1)), (2, 4, (1, 2)), (4, 4, (1, 3)), (8, 8, (2, 3)), (8, 1, (1, 7))],
)
def test_sizes_of_ordinary_machines(cores: int, gigabytes: int, size: tuple[int, int]) -> None:
    assert choose_size(0, 0, cores, gigabytes << 30) == size


@UNHURRIED
@given(st.integers(1, 65536), st.integers(0, 1 << 42), st.integers(1, 16))
def test_memory_limits(megabytes: int, total: int, workers: int) -> None:
    assert choose_memory_limit(megabytes, total, workers) == megabytes * 10**6
    chosen = choose_memory_limit(0, total, workers)
    assert 400 << 20 <= chosen <= 2048 << 20
    assert chosen == 400 << 20 or chosen * workers <= total // 2
    assert chosen <= choose_memory_limit(0, total + (1 << 30), workers)
    assert chosen >= choose_memory_limit(0, total, workers + 1)

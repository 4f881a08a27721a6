"""Numbers of workers and of threads for each."""

from __future__ import annotations

import os

_CORES_PER_WORKER = 4
_MEMORY_PER_WORKER = 512 << 20


def choose_size(workers: int, threads: int, cores: int, memory: int) -> tuple[int, int]:
    """Return the number of workers and the threads of each; 0 stands for "choose".

    The workers that are chosen fit into half of `memory` (bytes) with room for some voices each.

    One segment is spoken fastest by one worker with every core but one, which is left to the
    server and its host (on two cores both are used: engines are niced). Beyond four cores one
    segment gains little from more threads, so further cores become further workers.
    """
    if not workers:
        by_cores = cores // (threads or _CORES_PER_WORKER)
        workers = max(1, min(by_cores, memory // 2 // _MEMORY_PER_WORKER))
    if not threads:
        share = cores // workers
        threads = max(1, share - 1 if share > 2 else share)  # noqa: PLR2004 - see above
    return workers, threads


def choose_memory_limit(megabytes: int, total: int, workers: int) -> int:
    """Return the resident bytes at which a worker is replaced; 0 megabytes stands for "choose".

    The workers together may have half of the machine (`total` bytes), one worker 2 GB at most;
    less than 400 MB would replace a healthy worker all the time.
    """
    if megabytes:
        return megabytes * 10**6
    return min(max(total // 2 // workers, 400 << 20), 2048 << 20)


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

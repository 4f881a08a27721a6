"""A crowd: listeners who ask at the same moment and play what they get in real time."""

from __future__ import annotations

import dataclasses
import itertools
import random
import statistics
import threading
from collections.abc import Callable, Sequence

from .client import RequestError, speak
from .results import Answer, Crowd, Results, Side, Told
from .servers import Recipe, Server, running
from .summary import Comparison, Spread, compared
from .texts import WARM_UP, own_sentence

SIZES = (1, 2, 4, 8, 16, 32)
"""Listeners at once."""

_WARM_UPS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class CrowdMeasure:
    """One value of a crowd."""

    title: str
    value: Callable[[Crowd], float]


def median_first(crowd: Crowd) -> float:
    """Return the seconds after which half of the listeners heard something."""
    return statistics.median(answer.first_audio for answer in crowd.answers)


def last_first(crowd: Crowd) -> float:
    """Return the seconds after which everybody had heard something."""
    return max(answer.first_audio for answer in crowd.answers)


def longest_dry(crowd: Crowd) -> float:
    """Return the most seconds of silence that a listener who had begun to hear met."""
    return max(answer.dry for answer in crowd.answers)


def total(crowd: Crowd) -> float:
    """Return the seconds until all audio was there."""
    return max(answer.total for answer in crowd.answers)


MEASURES = (
    CrowdMeasure("median first audio", median_first),
    CrowdMeasure("last first audio", last_first),
    CrowdMeasure("total", total),
)


def measure(
    results: Results,
    recipes: Sequence[Recipe],
    rounds: int,
    chance: random.Random,
    *,
    sizes: Sequence[int] = SIZES,
    failed: Callable[[Side, str, Exception], None],
) -> None:
    """Let crowds of every size listen, once a round on each server, in random order.

    `failed` gets every request that does not end with complete audio.

    Raises:
        ServerError: a server cannot be started.
    """
    with running(recipes[0]) as one, running(recipes[1]) as other:
        servers = (one, other)
        for server in servers:
            server.wait_open()
            for _ in range(_WARM_UPS):
                _ask(server, WARM_UP, failed)
        for _ in range(rounds):
            for told, size in itertools.product(Told, sizes):
                if told is Told.SAME and size == 1:
                    continue
                for server in chance.sample(servers, len(servers)):
                    results.requests += size
                    answers = _crowd(server, told, size, failed)
                    refused = size - len(answers)
                    if answers:
                        side = server.recipe.side
                        results.crowds.append(Crowd(side, told, size, tuple(answers), refused))


def rows(results: Results, measured: CrowdMeasure, told: Told) -> list[Comparison]:
    """Compare a value for crowds of every size."""
    found = (row(results, measured, told, size) for size in sizes_of(results))
    return [one for one in found if one is not None]


def row(results: Results, measured: CrowdMeasure, told: Told, size: int) -> Comparison | None:
    """Compare a value for crowds of `size`."""
    theirs, own = (_of(results, side, told, size) for side in Side)
    values = [(measured.value(a), measured.value(b)) for a, b in zip(theirs, own, strict=False)]
    return compared(str(size), values)


def sizes_of(results: Results) -> list[int]:
    """Return the sizes that were measured."""
    return sorted({crowd.listeners for crowd in results.crowds})


def spread(results: Results, side: Side, size: int, value: Callable[[Crowd], float]) -> Spread:
    """Return a value of one server's crowds of `size`, each with a sentence of its own.

    There is one of them at least.
    """
    found = Spread.of(value(crowd) for crowd in _of(results, side, Told.OWN, size))
    assert found is not None
    return found


def dry(results: Results, side: Side, size: int) -> tuple[int, int]:
    """Return how many listeners ran dry for more than a tenth of a second, and of how many.

    Each is told a sentence of its own.
    """
    answers = [answer for crowd in _of(results, side, Told.OWN, size) for answer in crowd.answers]
    return sum(answer.dry > 0.1 for answer in answers), len(answers)  # noqa: PLR2004 - as it says


def _of(results: Results, side: Side, told: Told, size: int) -> list[Crowd]:
    wanted = (side, told, size)
    return [c for c in results.crowds if (c.side, c.told, c.listeners) == wanted]


def _crowd(
    server: Server, told: Told, size: int, failed: Callable[[Side, str, Exception], None]
) -> list[Answer]:
    answers: list[Answer] = []
    start = threading.Barrier(size)

    def listen(words: str) -> None:
        start.wait()
        if (answer := _ask(server, words, failed)) is not None:
            answers.append(answer)

    threads = [
        threading.Thread(target=listen, args=(own_sentence(0 if told is Told.SAME else number),))
        for number in range(size)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask(
    server: Server, words: str, failed: Callable[[Side, str, Exception], None]
) -> Answer | None:
    try:
        return speak(server.port, words)
    except RequestError as err:
        failed(server.recipe.side, "crowd", err)
        return None

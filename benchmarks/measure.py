"""The measurements, one server at a time: speed, memory, load, crowds, and what is rare."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from . import crowd, preparation
from .client import RequestError, speak
from .process_tree import watched
from .results import (
    Answer,
    Failure,
    FirstStart,
    Load,
    LongText,
    Memory,
    Pair,
    Results,
    Side,
    TextStage,
)
from .servers import Recipe, Server, ServerError, running
from .texts import CROWD_SENTENCES, LOAD_WORD, MEMORY_SENTENCES, WARM_UP, Text

_Item = TypeVar("_Item")

_SETTLE = 0.1  # seconds after an answer: work that a server puts off until then counts too
_WARM_UPS = 3
_MEMORY_REQUESTS = 2  # of one sentence: the second shows what the first left
_WORD_REPEATS = 5
_TEXT_TIMEOUT = 120.0


class Benchmark:
    """Measures two servers; what fails is counted in `results.failures`, not raised."""

    def __init__(self, incumbent: Recipe, ours: Recipe, chance: random.Random) -> None:
        self.results = Results()
        self._recipes = (incumbent, ours)
        self._chance = chance

    def speed(self, texts: Sequence[Text], rounds: int) -> None:
        """Speak every text once a round on both servers, in random order.

        Raises:
            ServerError: a server cannot be started.
        """
        with running(self._recipes[0]) as incumbent, running(self._recipes[1]) as ours:
            servers = (incumbent, ours)
            for server in servers:
                server.wait_open()
                for _ in range(_WARM_UPS):
                    self._ask(server, WARM_UP, "warm-up")
            for number in range(1, rounds + 1):
                for text in self._shuffled(texts):
                    answers = {
                        server.recipe.side: self._ask(
                            server,
                            text.words,
                            text.name,
                            streamed=text.streamed,
                            word_interval=text.word_interval,
                        )
                        for server in self._shuffled(servers)
                    }
                    self.results.pairs.append(
                        Pair(
                            text.name,
                            text.group,
                            len(text.words),
                            answers[Side.INCUMBENT],
                            answers[Side.OURS],
                        )
                    )
                say(f"speed: round {number} of {rounds}")

    def text(self, python: Path) -> None:
        """Measure what the preparation of a segment costs, in our own environment.

        Raises:
            ServerError: it cannot be measured.
        """
        command = (python, "-m", "benchmarks.text_stage")
        try:
            done = subprocess.run(  # noqa: S603 - this project's own environment
                command, capture_output=True, check=True, text=True, timeout=_TEXT_TIMEOUT
            )
            self.results.text = TextStage(**json.loads(done.stdout))
        except (OSError, subprocess.SubprocessError, ValueError, TypeError) as err:
            raise ServerError(f"the text stage cannot be measured: {err}") from None
        say("text: done")

    def treatment(self, untreated: Recipe, texts: Sequence[Text], rounds: int) -> None:
        """Measure how much later first audio comes because texts are treated at all.

        Args:
            untreated: our server with the treatment switched off.
            texts: spoken on both, one right after the other.
            rounds: how often.
        """
        with running(self._recipes[1]) as treated, running(untreated) as plain:
            servers = (treated, plain)
            for server in servers:
                server.wait_open()
                for _ in range(_WARM_UPS):
                    self._ask(server, WARM_UP, "warm-up")
            for number in range(1, rounds + 1):
                for text in self._shuffled(texts):
                    first = {
                        server: self._ask(server, text.words, text.name)
                        for server in self._shuffled(servers)
                    }
                    with_it, without_it = first[treated], first[plain]
                    if with_it and without_it:
                        delay = with_it.first_audio - without_it.first_audio
                        self.results.delays.append(delay)
                say(f"treatment: round {number} of {rounds}")

    def memory(self, repeats: int, sentences: Sequence[str] = MEMORY_SENTENCES) -> None:
        """Measure the peak memory of one sentence, on a fresh server for each length."""
        for number in range(1, repeats + 1):
            for words in sentences:
                for recipe in self._shuffled(self._recipes):
                    self._measure_memory(recipe, words)
            say(f"memory: round {number} of {repeats}")

    def load(self, repeats: int) -> None:
        """Measure the time from the start of the process to the first speech."""
        for number in range(1, repeats + 1):
            for recipe in self._shuffled(self._recipes):
                self._measure_load(recipe)
            say(f"load: round {number} of {repeats}")

    def first_start(self, fresh: Callable[[], Recipe], repeats: int) -> None:
        """Have each server speak as soon as it can after its first start.

        Args:
            fresh: gives our server's recipe with an empty data folder, another one each time.
            repeats: how often.
        """
        for number in range(1, repeats + 1):
            for recipe in self._shuffled((self._recipes[0], fresh())):
                self._measure_first_start(recipe)
            say(f"first start: round {number} of {repeats}")

    def long_text(self, words: str) -> None:
        """Have our server speak a text without a full stop, once whole and once as it is written.

        The incumbent takes such a text as one sentence, with gigabytes of memory.
        """
        for streamed in (False, True):
            what = f"{len(words)} characters without a full stop"
            try:
                with running(self._recipes[1]) as server:
                    server.wait_open()
                    for _ in range(_WARM_UPS):
                        self._ask(server, WARM_UP, "warm-up")
                    answer = self._ask(server, words, what, streamed=streamed)
                    with watched(server.tree) as peak:  # which slows the server down
                        self._ask(server, words, what, streamed=streamed)
            except (ServerError, OSError) as err:
                self._failed(Side.OURS, what, err)
                continue
            if answer is not None:
                long = LongText(len(words), streamed, answer, peak.total)
                self.results.long_texts.append(long)
        say("long text: done")

    def preparation(self, program: Path, python: Path, voice_folder: Path, repeats: int) -> None:
        """Split the voice into parts, by itself and while our server speaks.

        Raises:
            ServerError: it cannot be split, or the server cannot be started or install it.
        """
        results = self.results
        results.preparations += [preparation.measure(python, voice_folder) for _ in range(repeats)]
        with running(self._recipes[1]) as server:
            server.wait_open()
            for _ in range(_WARM_UPS):
                self._ask(server, WARM_UP, "warm-up")
            for _ in range(repeats):
                with preparation.by_server(server, voice_folder) as goes_on:
                    results.slowdowns_by_server += self._slowdowns(server, goes_on)
                with preparation.by_command(program, voice_folder) as goes_on:
                    results.slowdowns_by_command += self._slowdowns(server, goes_on)
        say("preparation: done")

    def _slowdowns(self, server: Server, goes_on: Callable[[], bool]) -> list[float]:
        """Speak while something goes on; return how much longer that took than afterwards."""
        during = []
        for words in itertools.cycle(CROWD_SENTENCES):
            answer = self._ask(server, words, "beside a preparation")
            if not goes_on():
                break
            during.append((words, answer))
        after = {words: self._ask(server, words, "alone") for words in dict(during)}
        pairs = ((answer, after[words]) for words, answer in during)
        return [beside.total / alone.total for beside, alone in pairs if beside and alone]

    def crowd(self, rounds: int, sizes: Sequence[int] = crowd.SIZES) -> None:
        """Let crowds listen to each server.

        Raises:
            ServerError: a server cannot be started.
        """
        crowd.measure(
            self.results, self._recipes, rounds, self._chance, sizes=sizes, failed=self._failed
        )
        say("crowds: done")

    def _measure_memory(self, recipe: Recipe, words: str) -> None:
        what = f"memory of {len(words)} characters"
        try:
            with running(recipe) as server:
                server.wait_open()
                if self._ask(server, LOAD_WORD, what) is None:
                    return
                loaded = server.tree.memory()
                with watched(server.tree) as peak:
                    for _ in range(_MEMORY_REQUESTS):
                        if self._ask(server, words, what) is None:
                            return
        except (ServerError, OSError) as err:
            self._failed(recipe.side, what, err)
            return
        self.results.memory.append(
            Memory(
                recipe.side,
                len(words),
                loaded.total,
                peak.total,
                loaded_anonymous=loaded.anonymous,
                peak_anonymous=peak.anonymous,
            )
        )

    def _measure_first_start(self, recipe: Recipe) -> None:
        words = (*CROWD_SENTENCES, CROWD_SENTENCES[0])
        try:
            with running(recipe) as server:
                server.wait_open()
                with watched(server.tree) as peak:
                    answers = [self._ask(server, one, "first start") for one in words]
        except (ServerError, OSError) as err:
            self._failed(recipe.side, "first start", err)
            return
        complete = [answer for answer in answers if answer]
        if len(complete) < len(answers):
            return
        first, last = complete[0], complete[-1]
        seconds = sum(answer.total for answer in complete) - first.first_audio
        throughput = sum(answer.audio for answer in complete) / seconds
        equal = first.checksum == last.checksum
        self.results.first_starts.append(FirstStart(recipe.side, throughput, peak.total, equal))

    def _measure_load(self, recipe: Recipe) -> None:
        try:
            with running(recipe) as server:
                server.wait_open()
                asked = time.perf_counter() - server.started
                first = self._ask(server, LOAD_WORD, "load")
                warm = [self._ask(server, LOAD_WORD, "load") for _ in range(_WORD_REPEATS)]
                engine = server.engine_seconds()
        except ServerError as err:
            self._failed(recipe.side, "load", err)
            return
        times = [answer.first_audio for answer in warm if answer]
        if first is None or not times:
            return
        speech = asked + first.first_audio
        ready = speech - statistics.median(times)
        self.results.load.append(Load(recipe.side, speech, ready, engine))

    def _ask(
        self,
        server: Server,
        words: str,
        what: str,
        *,
        streamed: bool = False,
        word_interval: float = 0.0,
    ) -> Answer | None:
        """Return one answer with the processor time it took; `None` when it failed."""
        self.results.requests += 1
        before = server.tree.cpu_seconds()
        try:
            answer = speak(server.port, words, streamed=streamed, word_interval=word_interval)
        except RequestError as err:
            self._failed(server.recipe.side, what, err)
            return None
        time.sleep(_SETTLE)
        return dataclasses.replace(answer, cpu=server.tree.cpu_seconds() - before)

    def _failed(self, side: Side, what: str, error: Exception) -> None:
        say(f"FAILED: {side}, {what}: {error}")
        reason = str(error).partition("\n")[0].replace(str(Path.home()), "~")
        self.results.failures.append(Failure(side, what, reason))

    def _shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        return self._chance.sample(items, len(items))


def say(line: str) -> None:
    """Report progress on standard error."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {line}\n")

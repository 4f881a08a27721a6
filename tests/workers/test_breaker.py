"""Breakers over an injected clock and made-up histories."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.messages import VoiceVersion
from wyoming_piper_hardened.processes.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.workers.failures.breaker import Breakers, BreakerState

EXACT = RestartDecider(RestartPolicy(jitter=0))
POLICY = EXACT.policy

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""

GAPS = st.lists(st.floats(0, 400, allow_nan=False), max_size=80)
VOICES = [VoiceVersion(Path(f"/voices/{name}.onnx")) for name in "abcd"]
A = VOICES[0]
ACTS = ("failed", "broken", "succeeded", "reset", "undecided", "admit")
CRASH = Failure(FailureKind.SIGNAL, Stage.SPEAKING, {"signal": "SIGSEGV"})


def unloadable(voice: VoiceVersion = A) -> Failure:
    return Failure(FailureKind.LOAD, Stage.LOADING, {"error": f"{voice.name} is no voice"})


@UNHURRIED
@given(GAPS)
def test_failing_voice_is_tried_a_bounded_number_of_times(gaps: list[float]) -> None:
    breakers, now, tries = Breakers(EXACT), 0.0, []
    for gap in gaps:
        now += gap
        if breakers.admit(A, now):
            tries.append(now)
            assert not breakers.failed(A, CRASH, now) or not breakers.admit(A, now)
    for first, next_but_four in zip(tries, tries[POLICY.intensity :], strict=False):
        assert next_but_four - first >= POLICY.period


@UNHURRIED
@given(st.integers(1, 12))
def test_probes_are_single_and_grow_apart(probes: int) -> None:
    breakers, now, waits = Breakers(EXACT), 0.0, []
    breakers.failed(A, unloadable(), now, permanent=True)
    for _ in range(probes):
        waits.append(breakers.probe_in(A, now))
        assert breakers.state(A, now + waits[-1] - 0.001) is BreakerState.OPEN
        assert not breakers.admit(A, now + waits[-1] - 0.001)
        now += waits[-1]
        assert breakers.state(A, now) is BreakerState.HALF_OPEN
        assert breakers.admit(A, now)
        assert not breakers.admit(A, now)  # one probe at a time
        breakers.undecided(A)
        assert breakers.admit(A, now)  # nothing was learned: the next one may try
        assert breakers.failed(A, unloadable(), now)
    assert waits == [min(300 * 2**n, 3600) for n in range(probes)]


@UNHURRIED
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(VOICES), st.integers(0, 200))))
def test_breakers_of_voices_are_independent(
    history: list[tuple[str, VoiceVersion, int]],
) -> None:
    together, alone = Breakers(EXACT), {voice: Breakers(EXACT) for voice in VOICES}
    now = 0.0
    for act, voice, gap in history:
        now += gap
        for breakers in (together, alone[voice]):
            if act in {"failed", "broken"}:
                breakers.failed(voice, unloadable(voice), now, permanent=act == "broken")
            elif act == "admit":
                breakers.admit(voice, now)
            else:
                getattr(breakers, act)(voice)
        if act in {"succeeded", "reset"}:
            assert together.state(voice, now) is BreakerState.CLOSED
        for other, breakers in alone.items():
            assert together.state(other, now) is breakers.state(other, now)
            failure = together.open_ones().get(other)
            assert failure is None or failure == unloadable(other)
            if failure is None:
                assert together.state(other, now) is BreakerState.CLOSED
                assert together.probe_in(other, now) == 0
    together.reset()
    assert not together.open_ones()


def test_success_forgets_every_failure() -> None:
    breakers = Breakers(EXACT)
    for now in range(100):
        assert breakers.admit(A, now)
        if now % POLICY.intensity == 0:
            breakers.succeeded(A)
        else:
            assert not breakers.failed(A, CRASH, now)

"""Speech as a pure function: equal requests, equal bytes; resume; level; seams."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from piper import PiperVoice

from support.voices import DECODER, PRIOR, SINGLE, SINGLE_CONFIG, Prepared, detour, spoken
from wyoming_piper_hardened.engine.messages import SpeechOptions
from wyoming_piper_hardened.engine.schedule import ONE_PASS, Schedule, choose
from wyoming_piper_hardened.engine.sessions.level import KNEE, steady_gain, to_pcm
from wyoming_piper_hardened.engine.synthesis.noise import Noise
from wyoming_piper_hardened.engine.synthesis.parts import Floats, Utterance
from wyoming_piper_hardened.engine.synthesis.voice import Pcm, SplitVoice, Voice, load
from wyoming_piper_hardened.errors import BadRequestError, SpeakerNotFoundError

pytestmark = pytest.mark.slow

TEXT = (
    "The quick brown fox jumps over the lazy dog, and then it sleeps. "
    "Did you see that? Everybody else did!"
)
SHORT = "Over the lazy dog. Did you see?"
FAST = choose(0.05)
PLAIN = SpeechOptions()


def said(
    voice: Voice,
    text: str = TEXT,
    options: SpeechOptions = PLAIN,
    schedule: Schedule = FAST,
    start: int = 0,
) -> NDArray[np.int16]:
    return spoken(voice, text, schedule, options, start)


@pytest.fixture(scope="module")
def speaking(joe: Prepared) -> SplitVoice:
    voice = load(joe.folder, joe.config, threads=2)
    assert isinstance(voice, SplitVoice)
    return voice


@pytest.fixture(params=["split", "decoder", "whole"])
def any_mode(request: pytest.FixtureRequest, tmp_path: Path) -> Prepared:
    model = onnx.load(SINGLE)
    if request.param == "decoder":
        detour(model, PRIOR)
    elif request.param == "whole":
        detour(model, DECODER)
    onnx.save(model, tmp_path / "v.onnx")
    (tmp_path / "v.onnx.json").write_bytes(SINGLE_CONFIG.read_bytes())
    prepared = Prepared(tmp_path / "v.onnx", tmp_path / "out")
    assert prepared.report.mode == request.param
    return prepared


def test_equal_requests_give_equal_bytes(joe: Prepared, speaking: Voice) -> None:
    first = said(speaking)
    assert first.size > 22050
    for threads in (1, 2, 3):
        assert np.array_equal(said(load(joe.folder, joe.config, threads=threads)), first)


SPEAK = """
import hashlib, json, sys
from pathlib import Path
from wyoming_piper_hardened.engine.messages import SpeechOptions
from wyoming_piper_hardened.engine.schedule import Schedule
from wyoming_piper_hardened.engine.synthesis.voice import load
folder, config, threads, text, schedule = sys.argv[1:]
voice = load(Path(folder), Path(config), threads=int(threads))
chunks = voice.chunks(text, SpeechOptions(), Schedule.from_list(json.loads(schedule)))
print(hashlib.sha256(b"".join(chunk.compute().tobytes() for chunk in chunks)).hexdigest())
"""


def test_processes_give_equal_bytes(joe: Prepared, speaking: Voice) -> None:
    def speak(threads: int) -> subprocess.Popen[bytes]:
        arguments = (joe.folder, joe.config, threads, SHORT, json.dumps(FAST.to_list()))
        return subprocess.Popen(
            [sys.executable, "-c", SPEAK, *map(str, arguments)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": str(threads)},
        )

    processes = [speak(threads) for threads in (1, 2)]
    printed = {process.communicate()[0].decode().strip() for process in processes}
    assert printed == {hashlib.sha256(said(speaking, SHORT).tobytes()).hexdigest()}


@pytest.mark.parametrize(
    "options",
    [
        SpeechOptions(noise_scale=0.6),
        SpeechOptions(noise_w_scale=0.7),
        SpeechOptions(length_scale=1.1),
    ],
)
def test_every_setting_is_heard(speaking: Voice, options: SpeechOptions) -> None:
    assert not np.array_equal(said(speaking, SHORT, options), said(speaking, SHORT))


def test_slower_is_longer_and_text_matters(speaking: Voice) -> None:
    plain = said(speaking, SHORT)
    slow = said(speaking, SHORT, SpeechOptions(length_scale=2.0))
    assert 1.6 < slow.size / plain.size < 2.2
    assert not np.array_equal(said(speaking, SHORT + " "), plain)


def test_volume_scales_the_same_take(speaking: Voice) -> None:
    plain = said(speaking, SHORT).astype(float)
    half = said(speaking, SHORT, SpeechOptions(volume=0.5)).astype(float)
    quiet = np.abs(plain) < KNEE * 32767
    assert np.abs(plain[quiet] / 2 - half[quiet]).max() <= 1
    assert not said(speaking, SHORT, SpeechOptions(volume=0.0)).any()


def test_resume_at_random_places(speaking: Voice) -> None:
    schedule = Schedule(16, 1.5, 40)  # several chunks, of two sentences
    whole = said(speaking, SHORT, schedule=schedule)
    places = random.Random(7).sample(range(whole.size), 30)
    for place in (*places, 0, whole.size - 1):
        tail = said(speaking, SHORT, schedule=schedule, start=place)
        assert np.array_equal(tail, whole[place:])
    assert said(speaking, SHORT, schedule=schedule, start=whole.size).size == 0


def test_resume_computes_only_what_is_left(
    speaking: SplitVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = said(speaking)
    decode = speaking._parts.decode
    spans: list[int] = []

    def counted(utterance: Utterance, start: int, stop: int, speaker: int) -> Floats:
        spans.append(stop - start)
        return decode(utterance, start, stop, speaker)

    monkeypatch.setattr(speaking._parts, "decode", counted)
    said(speaking, start=whole.size - 100)
    assert len(spans) == 1


def test_resume_in_every_mode(any_mode: Prepared) -> None:
    voice = load(any_mode.folder, any_mode.config)
    whole = said(voice)
    for place in random.Random(3).sample(range(whole.size), 8):
        assert np.array_equal(said(voice, start=place), whole[place:])
    assert np.array_equal(said(load(any_mode.folder, any_mode.config, threads=2)), whole)
    assert not np.array_equal(said(voice, options=SpeechOptions(noise_scale=0.5)), whole)


def test_speakers_differ_and_unknown_ones_are_named(many_speakers: Prepared) -> None:
    voice = load(many_speakers.folder, many_speakers.config)
    takes = [
        said(voice, "Hello there.", SpeechOptions(speaker_id=number)).tobytes()
        for number in (None, 0, 1, 4)
    ]
    assert takes[0] == takes[1]
    assert len(set(takes)) == 3
    for number in (-1, 5):
        with pytest.raises(SpeakerNotFoundError):
            voice.chunks("Hello.", SpeechOptions(speaker_id=number), FAST)


@pytest.mark.parametrize(
    "options",
    [
        SpeechOptions(length_scale=0.0),
        SpeechOptions(length_scale=float("nan")),
        SpeechOptions(noise_scale=-1.0),
        SpeechOptions(noise_w_scale=float("inf")),
        SpeechOptions(volume=-0.1),
    ],
)
def test_settings_without_sense_are_named(speaking: Voice, options: SpeechOptions) -> None:
    with pytest.raises(BadRequestError):
        speaking.chunks("Hello.", options, FAST)


@pytest.mark.parametrize("text", ["", " ", "\n", "...", "?", "()", "\u200b", "\x00"])
def test_nothing_to_say_is_no_audio(speaking: Voice, text: str) -> None:
    assert said(speaking, text).size == 0


@pytest.mark.parametrize("schedule", [FAST, Schedule(8, 1.0, 8)])
def test_no_seam_at_chunk_borders(speaking: Voice, schedule: Schedule) -> None:
    """Value and slope at the borders are those of the whole pass: no click."""
    chunks = [chunk.compute() for chunk in speaking.chunks(TEXT, PLAIN, schedule)]
    signal = np.concatenate(chunks).astype(int)
    one_pass = said(speaking, schedule=ONE_PASS).astype(int)
    borders = np.cumsum([chunk.size for chunk in chunks])[:-1]
    assert borders.size > 4
    assert np.abs(signal - one_pass).max() <= 2
    slope, smooth = np.diff(signal)[borders - 1], np.diff(one_pass)[borders - 1]
    assert np.abs(slope - smooth).max() <= 2


def test_chunks_of_several_texts_are_computed_in_any_order(speaking: Voice) -> None:
    """By several threads at once, too: the bytes are those of each text alone."""
    texts = [TEXT, SHORT, "Hello there.", TEXT]
    open_ones = {n: speaking.chunks(text, PLAIN, FAST) for n, text in enumerate(texts)}
    computing: dict[int, list[Future[Pcm]]] = {number: [] for number in open_ones}
    with ThreadPoolExecutor(3) as threads:
        while open_ones:  # one chunk of each in turn
            for number, chunks in list(open_ones.items()):
                if (chunk := next(chunks, None)) is None:
                    del open_ones[number]
                else:
                    computing[number].append(threads.submit(chunk.compute))
    for number, text in enumerate(texts):
        audio = np.concatenate([future.result() for future in computing[number]])
        assert np.array_equal(audio, said(speaking, text))


def test_chunks_know_how_many_are_left(any_mode: Prepared) -> None:
    voice = load(any_mode.folder, any_mode.config)
    for start in (0, 3000):
        left = [chunk.left for chunk in voice.chunks(TEXT, PLAIN, Schedule(8, 1.0, 8), start)]
        assert left[-1] == 0
        assert all(left[:-1])  # nothing follows a chunk with 0


def test_loudness_is_near_what_piper_gives(joe: Prepared, speaking: Voice) -> None:
    ours = said(speaking).astype(float)
    theirs = np.concatenate(
        [c.audio_int16_array for c in PiperVoice.load(joe.model).synthesize(TEXT)]
    ).astype(float)
    difference = 20 * np.log10(np.sqrt((ours**2).mean()) / np.sqrt((theirs**2).mean()))
    assert abs(difference) < 3


def test_limiter_is_the_identity_then_smooth_and_never_clips() -> None:
    ramp = np.linspace(-8, 8, 200_001).astype(np.float32)
    pcm = to_pcm(ramp, 1.0).astype(int)
    inside = np.abs(ramp) <= KNEE
    assert np.abs(pcm[inside] - np.rint(ramp[inside] * 32767)).max() <= 1
    assert (np.diff(pcm) >= 0).all()
    assert np.diff(pcm).max() <= np.diff(ramp).max() * 32767 + 1
    assert np.abs(pcm).max() <= 32767
    assert np.array_equal(to_pcm(ramp[1000:], 1.0), to_pcm(ramp, 1.0)[1000:])


def test_gain_is_the_mean_of_normalisation() -> None:
    assert steady_gain([0.5, 0.5]) == pytest.approx(2.0)
    assert steady_gain([0.25, 1.0]) == pytest.approx(2.0)
    assert steady_gain([0.0]) == 1.0


def test_noise_is_addressed_by_position() -> None:
    noise = Noise.of("digest", 0, "text", 0, (1.0,))
    assert np.array_equal(noise.frames(0, 300, 8)[:, 70:131], noise.frames(70, 131, 8))
    assert np.array_equal(Noise.of("digest", 0, "text", 0, (1.0,)).front(0, 5), noise.front(0, 5))
    others = [
        ("d", 0, "text", 0, (1.0,)),
        ("digest", 1, "text", 0, (1.0,)),
        ("digest", 0, "t", 0, (1.0,)),
        ("digest", 0, "text", 1, (1.0,)),
        ("digest", 0, "text", 0, (1.1,)),
    ]
    assert all(
        not np.array_equal(Noise.of(*other).front(0, 5), noise.front(0, 5)) for other in others
    )
    sample = noise.frames(0, 4000, 16)
    assert abs(float(sample.mean())) < 0.02
    assert abs(float(sample.std()) - 1) < 0.02

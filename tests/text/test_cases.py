"""What is said in eleven languages, heard through espeak."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from text.judge import Case, Verdict, cases, judge, phonemes
from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.speech import segments, spoken

_FOLDER = Path(__file__).parent
CASES = cases(_FOLDER / "cases.tsv")
MORE = cases(_FOLDER / "more_cases.tsv")
_ENOUGH_OF_B = 30
_ENOUGH_OF_MORE = 0.9


def heard(case: Case) -> list[str]:
    """Phonemes of each sentence; a segment that ends none goes on in the next one."""
    profile = Profile(language=case.language)
    found: list[str] = []
    goes_on = False
    for segment in segments(case.text, profile):
        said = phonemes(case.language, spoken(segment, profile))
        if goes_on and found and said:
            found[-1] += said.pop(0)
        found += said
        goes_on = not segment.ends_sentence
    return found


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.tier == "A"], ids=lambda case: str(case.id)
)
def test_a_must_is_spoken_as_it_is_read(case: Case) -> None:
    assert judge(case, heard(case)) is Verdict.SAME


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.today], ids=lambda case: str(case.id)
)
def test_what_is_right_without_any_rule_stays_right(case: Case) -> None:
    assert judge(case, heard(case)) is Verdict.SAME


def test_enough_of_what_should_be_is_spoken_as_it_is_read() -> None:
    verdicts = {
        case.id: judge(case, heard(case)) is Verdict.SAME for case in CASES if case.tier == "B"
    }
    print(f"tier B: {sum(verdicts.values())} of {len(verdicts)}")  # noqa: T201 - the figure
    assert sum(verdicts.values()) >= _ENOUGH_OF_B


def test_other_texts_of_the_same_kinds_are_spoken_as_they_are_read() -> None:
    right: Counter[str] = Counter()
    wrong: list[tuple[str, str, list[str]]] = []
    for case in MORE:
        said = heard(case)
        if judge(case, said) is Verdict.SAME:
            right[case.language] += 1
        else:
            wrong.append((case.id, case.text, said))
    total = len(MORE)
    print(f"other texts: {right.total()} of {total}", *wrong, sep="\n")  # noqa: T201 - likewise
    assert right.total() >= _ENOUGH_OF_MORE * total

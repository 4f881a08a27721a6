"""A dictionary's file is changed by one entry and by nothing else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.text.dictionary.editing import EditError, with_entry, without_entry
from wyoming_piper_hardened.text.dictionary.entries import Entry
from wyoming_piper_hardened.text.dictionary.parsing import MAX_ENTRIES, parse

FILE = """\
# mine
de:
  Spotify: Spottifei   # so
  Geis: "[[ɡˈaɪs]]"

  Überall: hier
"*":
  MQTT: M Q T T
fr:   # none yet
"""


def words(text: str) -> dict[str, dict[str, str]]:
    found = parse(text.encode()).dictionary.entries
    return {code: {entry.key: entry.value for entry in entries} for code, entries in found.items()}


@pytest.mark.parametrize(
    ("language", "entry", "old", "new"),
    [
        ("de", Entry("Spotify", "Spotti"), "Spottifei   #", "Spotti   #"),
        ("de", Entry("Geis", "Gaiß: ja"), '"[[ɡˈaɪs]]"', '"Gaiß: ja"'),
        ("de", Entry("Hue", "Hju"), "Überall: hier\n", "Überall: hier\n  Hue: Hju\n"),
        ("*", Entry("a b", ""), "M Q T T\n", 'M Q T T\n  a b: ""\n'),
        ("fr", Entry("oui", "no"), "# none yet\n", '# none yet\n  oui: "no"\n'),
        ("nl", Entry("x", "y"), "# none yet\n", "# none yet\nnl:\n  x: y\n"),
    ],
)
def test_an_entry_is_written_and_all_else_stays(
    language: str, entry: Entry, old: str, new: str
) -> None:
    assert FILE.count(old) == 1
    assert with_entry(FILE, language, entry) == FILE.replace(old, new)


@pytest.mark.parametrize(
    ("language", "key", "line"),
    [
        ("de", "Spotify", "  Spotify: Spottifei   # so\n"),
        ("de", "Überall", "  Überall: hier\n"),
        ("*", "MQTT", "  MQTT: M Q T T\n"),
    ],
)
def test_an_entry_is_removed_and_all_else_stays(language: str, key: str, line: str) -> None:
    assert without_entry(FILE, language, key) == FILE.replace(line, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "de:\n  z: q\n"),
        ("de:", "de:\n  z: q\n"),
        ("# only", "# only\nde:\n  z: q\n"),
        ("de:\n  a: b", "de:\n  a: b\n  z: q\n"),
        ("de: {a: b}\n", "de: {a: b, z: q}\n"),
        ("{de: {a: b}}", "{de: {a: b, z: q}}"),
        ("de:\n  z:\n  a: b\n", "de:\n  z: q\n  a: b\n"),
        ("de:\n  z: |\n    text\n  a: b\n", "de:\n  z: q\n  a: b\n"),
        ("de_DE:\n    a: b\n", "de_DE:\n    a: b\nde:\n  z: q\n"),
        ("de:\n  z: " + "x" * 201 + "\n", "de:\n  z: q\n"),
        ("de:\n  '?': no word\n", "de:\n  '?': no word\n  z: q\n"),
    ],
)
def test_files_that_people_write(before: str, after: str) -> None:
    assert with_entry(before, "de", Entry("z", "q")) == after


def test_what_is_there_twice_is_removed_twice() -> None:
    assert without_entry("de:\n  a: b\n  c: d\n  a: e\n", "de", "a") == "de:\n  c: d\n"
    assert words(without_entry("de: {a: b, c: d}", "de", "c")) == {"de": {"a": "b"}}
    assert words(without_entry("de: {a: b, c: d}", "de", "a")) == {"de": {"c": "d"}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{fr: {a: b}}", "only a person"),
        ("de: [", "line 2: it is not YAML"),
        ("de: " + "{a: " * 300, "brackets"),
        ("<lexicon/>", "only a person"),
        ("de:\n" + "".join(f"  w{n}: x\n" for n in range(MAX_ENTRIES)), "5000 words"),
        ("#" * (512 * 1024 - 5), "512 KB"),
    ],
)
def test_a_file_that_cannot_take_it_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(EditError, match=why):
        with_entry(text, "de", Entry("z", "q"))


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30
).filter(lambda text: "\ufeff" not in text)
KEYS = TEXTS.map(lambda text: " ".join(f"w{text}".split()[:4]))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["de", "de-AT", "*", "zh"]), KEYS, st.none() | TEXTS),
        max_size=8,
    )
)
def test_any_changes_give_what_was_asked_for(changes: list[tuple[str, str, str | None]]) -> None:
    text, wanted = FILE, words(FILE)
    for language, key, value in changes:
        if value is None:
            text = without_entry(text, language, key)
            wanted.get(language, {}).pop(key, None)
        else:
            text = with_entry(text, language, Entry(key, value))
            wanted.setdefault(language, {})[key] = value
    assert words(text) == {code: found for code, found in wanted.items() if found}
    assert text.startswith("# mine\nde:\n")
    plain = yaml.safe_load(text)  # what another program reads
    assert {
        code: {str(key): value or "" for key, value in found.items()}
        for code, found in plain.items()
        if found
    } == words(text)

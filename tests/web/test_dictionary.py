"""The user's dictionary over HTTP: shown, heard, corrected, never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.scripted_engine import samples

PATH = "/api/dictionary"


async def put(site: Site, shown: dict[str, Any], **entry: str) -> tuple[int, Any]:
    body = {"language": "en", "version": shown["version"], **entry}
    return await site.ask("PUT", PATH, json=body)


def words(shown: dict[str, Any]) -> dict[str, str]:
    return {entry["word"]: entry["spoken"] for entry in shown["entries"]}


def size(text: str) -> int:
    return 44 + len(samples(text))


async def test_a_word_is_added_heard_corrected_and_removed(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    file = folder / "dictionary.yaml"
    site = await open_site(script(), custom_voice_dirs=[str(folder)])
    status, shown = await site.get(PATH)
    assert (status, shown["file"], shown["entries"], shown["errors"]) == (200, str(file), [], [])
    status, shown = await put(site, shown, word="Hue", spoken="Hyoo hyoo")
    assert (status, words(shown)) == (200, {"Hue": "Hyoo hyoo"})
    assert shown["entries"][0]["file"] == str(file)
    assert len(await site.hear(text="My Hue.")) == size("My Hyoo hyoo.")
    status, shown = await put(site, shown, word="Hue", spoken="Hew")
    assert (status, words(shown)) == (200, {"Hue": "Hew"})
    assert len(await site.hear(text="My Hue.")) == size("My Hew.")
    assert file.read_text(encoding="utf-8") == "en:\n  Hue: Hew\n"
    query = {"language": "en", "word": "Hue", "version": shown["version"]}
    status, shown = await site.ask("DELETE", PATH, params=query)
    assert (status, words(shown)) == (200, {})
    assert len(await site.hear(text="My Hue.")) == size("My Hue.")
    query["version"] = shown["version"]
    status, answer = await site.ask("DELETE", PATH, params=query)
    assert (status, answer["error"]["code"]) == (404, "word-not-found")


async def test_words_are_kept_beside_the_voices_without_folders_of_ones_own(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    site = await open_site(script(), data_dir=data)
    _, shown = await site.get(PATH)
    assert shown["file"] == str(data / "dictionary.yaml")
    assert (await put(site, shown, language="*", word="mqtt", spoken="M Q T T"))[0] == 200
    assert (data / "dictionary.yaml").is_file()


async def test_a_file_that_changed_meanwhile_is_a_conflict(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    site = await open_site(script(), custom_voice_dirs=[str(folder)])
    _, shown = await site.get(PATH)
    (folder / "dictionary.yaml").write_text("en: {Hue: by hand}\n", encoding="utf-8")
    status, answer = await put(site, shown, word="Hue", spoken="x")
    assert (status, answer["error"]["code"]) == (409, "dictionary-changed")
    query = {"language": "en", "word": "Hue", "version": shown["version"]}
    assert (await site.ask("DELETE", PATH, params=query))[0] == 409
    _, shown = await site.get(PATH)
    assert words(shown) == {"Hue": "by hand"}


async def test_mistakes_are_shown_by_line_and_are_issues_until_they_are_mended(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    file = folder / "dictionary.yaml"
    file.write_text("en:\n  Hue: Hew\n  Long: " + "x" * 201, encoding="utf-8")
    site = await open_site(script(), custom_voice_dirs=[str(folder)])
    _, shown = await site.get(PATH)
    (error,) = shown["errors"]
    assert (error["file"], error["line"], error["code"]) == (str(file), 3, "value")
    _, status = await site.get("/api/status")
    assert [issue["kind"] for issue in status["issues"]] == ["dictionary"]
    _, shown = await put(site, shown, word="Long", spoken="short")
    assert (words(shown), shown["errors"]) == ({"Hue": "Hew", "Long": "short"}, [])
    _, status = await site.get("/api/status")
    assert status["issues"] == []


@pytest.mark.parametrize(
    "entry",
    [
        {"word": "", "spoken": "x"},
        {"word": "?", "spoken": "x"},
        {"word": "a b c d e", "spoken": "x"},
        {"word": "a\nb", "spoken": "x"},
        {"word": "a", "spoken": "x" * 201},
        {"word": "a", "spoken": "x\u2028y"},
        {"word": "a", "spoken": "\ud800"},
        {"word": "a", "spoken": "x", "language": "../x"},
        {"word": "a"},
    ],
)
async def test_what_is_no_entry_is_refused(
    open_site: Open, script: Script, tmp_path: Path, entry: dict[str, str]
) -> None:
    site = await open_site(script(), data_dir=tmp_path / "data")
    _, shown = await site.get(PATH)
    status, answer = await put(site, shown, **entry)
    wanted = (409, "dictionary-refused") if "spoken" in entry else (400, "bad-request")
    assert (status, answer["error"]["code"]) == wanted
    _, again = await site.get(PATH)
    assert again == shown


async def test_foreign_pages_and_callers_from_elsewhere_change_nothing(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    site = await open_site(script(), data_dir=tmp_path / "data")
    _, shown = await site.get(PATH)
    query = {"language": "en", "word": "Hue", "version": shown["version"]}
    for headers, code in (
        ({"Origin": "http://evil.example"}, "foreign-origin"),
        ({"X-Forwarded-For": "192.0.2.1"}, "access-refused"),
    ):
        body = {"language": "en", "word": "a", "spoken": "b", "version": shown["version"]}
        status, answer = await site.ask("PUT", PATH, json=body, headers=headers)
        assert (status, answer["error"]["code"]) == (403, code)
        status, answer = await site.ask("DELETE", PATH, params=query, headers=headers)
        assert (status, answer["error"]["code"]) == (403, code)

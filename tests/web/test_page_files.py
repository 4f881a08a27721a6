"""The page's files without a browser: translations, types, and no content from elsewhere."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.catalogue.entry import Quality
from wyoming_piper_hardened.errors import (
    AccessError,
    DeadlineError,
    HardenedError,
    IssueNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    ShuttingDownError,
    SpeakerNotFoundError,
    SynthesisError,
    TextQuarantinedError,
    TooManyRequestsError,
    VoiceError,
    VoiceInstallingError,
    VoiceNotFoundError,
    VoicePartsError,
    VoiceUnavailableError,
)
from wyoming_piper_hardened.hub.errors import DownloadError
from wyoming_piper_hardened.reporting.issues import Failure, IssueKind, Suggestion
from wyoming_piper_hardened.reporting.messages import EVENTS
from wyoming_piper_hardened.reporting.recent_log import LogEntry
from wyoming_piper_hardened.speech.dictionary.editor import (
    ShownDictionary,
    ShownEntry,
    ShownError,
)
from wyoming_piper_hardened.speech.preview import PreviewProblem, SegmentPreview, TextPreview
from wyoming_piper_hardened.speech.synthesizer import RequestRecord
from wyoming_piper_hardened.status.rows import CommandRecord, IssueStatus, JobStatus, Status
from wyoming_piper_hardened.voices.installation.progress import Progress, Step
from wyoming_piper_hardened.voices.job import FinishedJob
from wyoming_piper_hardened.web.bodies.json_shapes import schema_of
from wyoming_piper_hardened.web.bodies.shapes import ModelCardBody, VoiceRow
from wyoming_piper_hardened.workers.worker import WorkerState, WorkerStatus

STATIC = Path(str(resources.files("wyoming_piper_hardened.web") / "static"))
LANGUAGES = ("en", "de", "fr", "es", "nl")
MODULES = sorted(STATIC.glob("*.js"))
MET = (
    *(AccessError, RequestTooLargeError, TooManyRequestsError, ShuttingDownError),
    *(OverloadedError, DeadlineError, SynthesisError, TextQuarantinedError, SpeakerNotFoundError),
    *(VoiceNotFoundError, VoiceUnavailableError, VoiceInstallingError, VoiceError),
    IssueNotFoundError,
)
"""Errors that somebody may meet who does nothing but use the page."""
SHAPES = {
    "Status": schema_of(Status),
    "WorkerStatus": schema_of(WorkerStatus),
    "Failure": schema_of(Failure),
    "Job": schema_of(JobStatus),
    "Progress": schema_of(Progress),
    "FinishedJob": schema_of(FinishedJob),
    "Issue": schema_of(IssueStatus),
    "RequestRecord": schema_of(RequestRecord),
    "CommandRecord": schema_of(CommandRecord),
    "LogEntry": schema_of(LogEntry),
    "Voice": schema_of(VoiceRow),
    "ModelCard": schema_of(ModelCardBody),
    "TextPreview": schema_of(TextPreview),
    "SegmentPreview": schema_of(SegmentPreview),
    "PreviewProblem": schema_of(PreviewProblem),
    "Dictionary": schema_of(ShownDictionary),
    "DictionaryEntry": schema_of(ShownEntry),
    "DictionaryError": schema_of(ShownError),
}
_PLACE = re.compile(r"\{(\w+)\}")


def words(language: str) -> dict[str, str | dict[str, str]]:
    found: dict[str, str | dict[str, str]] = json.loads(
        (STATIC / "locales" / f"{language}.json").read_text()
    )
    return found


def places(text: str | dict[str, str]) -> set[str]:
    """Return what is filled into a text; plural forms may leave out the number."""
    if isinstance(text, str):
        return set(_PLACE.findall(text))
    return set(_PLACE.findall(text["other"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language: str) -> None:
    english, translated = words("en"), words(language)
    assert list(translated) == list(english)
    for key, text in english.items():
        assert places(translated[key]) == places(text), key
        assert isinstance(translated[key], dict) == isinstance(text, dict), key


def test_every_key_exists_and_is_used() -> None:
    code = "\n".join(file.read_text() for file in (*MODULES, STATIC / "index.html"))
    # Written out, or put together from a prefix and what the server says.
    used = set(re.findall(r'["`]([a-z][\w-]*(?:\.[\w-]+)+)["`]', code))
    prefixes = set(re.findall(r"[`]([a-z][\w.-]*\.)\$\{", code)) | {"state."}
    known = set(words("en"))
    used |= {key for key in known if any(key.startswith(prefix) for prefix in prefixes)}
    used |= set(re.findall(r'data-(?:text|label|placeholder)="([\w.-]+)"', code))
    assert known - used <= {"skip", "version"}  # names without a dot
    asked = set(re.findall(r'\btext\(\s*"([\w.-]+)"', code))
    asked |= set(re.findall(r'data-(?:text|label|placeholder)="([\w.-]+)"', code))
    assert asked <= known


def test_every_state_and_kind_has_words() -> None:
    known = set(words("en"))
    assert {f"issue.{kind}" for kind in IssueKind} <= known
    assert {f"worker.{state}" for state in WorkerState} <= known
    assert {f"quality.{quality}" for quality in Quality} <= known
    assert {f"job.{step}" for step in Step} <= known
    for suggestion in Suggestion:
        assert {f"suggestion.{suggestion}", f"suggestion.{suggestion}.advice"} & known


def test_every_error_of_the_page_has_advice() -> None:
    """In the words of the reader, by its code or by that of errors like it."""
    alike = re.search(r"const ALIKE = \{(.*?)\n\};", (STATIC / "notices.js").read_text(), re.DOTALL)
    assert alike
    groups = {
        group: set(re.findall(r'"([\w-]+)"', codes))
        for group, codes in re.findall(r'"?([\w-]+)"?: \[(.*?)\]', alike[1], re.DOTALL)
    }
    known = {key.removeprefix("error.") for key in words("en") if key.startswith("error.")}
    assert set(groups) <= known
    bind_error = known | set().union(*groups.values())
    of_the_browser = {"unreachable", "broken-off", "status", "unknown"}
    codes = {error.code for error in _errors(HardenedError)}
    assert bind_error - codes - set(groups) == of_the_browser
    met = {error.code for kind in MET for error in _errors(kind)} | {HardenedError.code}
    assert met - {DownloadError.code, VoicePartsError.code} <= bind_error  # their message does


def _errors(root: type[HardenedError]) -> Iterator[type[HardenedError]]:
    yield root
    for error in root.__subclasses__():
        yield from _errors(error)


@pytest.mark.rendering
@pytest.mark.parametrize("language", LANGUAGES)
def test_events_exist_and_have_the_parameters_of_their_translation(language: str) -> None:
    for key, text in words(language).items():
        if key.startswith("event."):
            fields = string.Formatter().parse(EVENTS[key.removeprefix("event.")])
            params = {(field or "").partition(".")[0] for _, field, _, _ in fields}
            assert places(text) <= params, key


def test_types_of_the_scripts_are_those_of_the_api() -> None:
    types = (STATIC / "types.d.ts").read_text()
    declared = {
        name: dict(re.findall(r"^  (\w+): (.+);$", body, re.MULTILINE))
        for name, body in re.findall(
            r"^export interface (\w+) \{\n(.*?)\n\}",
            types,
            re.MULTILINE | re.DOTALL,
        )
    }
    for name, schema in SHAPES.items():
        assert set(declared[name]) == set(schema["properties"]), name


def test_no_inline_code_and_no_foreign_content() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page)
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    linked = set(re.findall(r'<a href="(https:[^"]+)" target="_blank" rel="noopener', page))
    assert linked == {"https://rhasspy.github.io/piper-samples/"}  # fetched by nobody but a person
    for address in set(re.findall(r'(?:src|href)="([^"]+)"', page)) - linked:
        assert address == "reference" or address.startswith(("static/", "#")), address
    for file in (*MODULES, *STATIC.glob("*.css")):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|eval\(", text), file


def test_every_language_of_the_catalogue_has_a_sample() -> None:
    samples = json.loads((STATIC / "samples.json").read_text())
    assert {voice.language.family for voice in bundled()} <= set(samples)

"""The description of the API: its OpenAPI document, and the page that is made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from conftest import Script
from support.both_servers import Open
from wyoming_piper_hardened.web.bodies.json_shapes import schema_of
from wyoming_piper_hardened.web.bodies.shapes import Readiness, VoiceState
from wyoming_piper_hardened.web.reference.components import Components

PLACE = "#/components/schemas/"
JSON = "application/json"


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Return every object in a document that is or has a schema."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from schemas_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from schemas_in(item)


async def document_of(open_site: Open, script: Script) -> dict[str, Any]:
    status, document = await (await open_site(script())).get("/openapi.json")
    assert status == 200
    assert isinstance(document, dict)
    return document


async def test_calls_have_tags_summaries_and_descriptions(open_site: Open, script: Script) -> None:
    document = await document_of(open_site, script)
    tags = {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert {tag for one in operations for tag in one["tags"]} == tags
    for one in operations:
        assert one["summary"]
        assert one["description"]
        assert all(parameter["description"] for parameter in one.get("parameters", ()))
    ids = [one["operationId"] for one in operations]
    assert len(set(ids)) == len(ids)


async def test_shapes_are_shared_and_have_names(open_site: Open, script: Script) -> None:
    document = await document_of(open_site, script)
    components = document["components"]["schemas"]
    used = {one["$ref"] for one in schemas_in(document) if "$ref" in one}
    assert used == {f"{PLACE}{name}" for name in components}
    assert {"SpeechBody", "OpenAISpeechBody", "VoiceUpload", "Status", "ErrorBody"} <= set(
        components
    )
    for path, methods in document["paths"].items():
        for operation in methods.values():
            bodies = [answer["content"] for answer in operation["responses"].values()]
            bodies.append(operation.get("requestBody", {}).get("content", {}))
            for content in bodies:
                if JSON in content and path != "/openapi.json":
                    assert content[JSON]["schema"].keys() == {"$ref"}, path
    for name, component in components.items():
        assert component.get("description") or "enum" in component, name


async def test_upload_says_how_its_files_are_called(open_site: Open, script: Script) -> None:
    document = await document_of(open_site, script)
    fields = document["components"]["schemas"]["VoiceUpload"]["properties"]
    assert "NAME.onnx" in fields["model"]["description"]
    assert "NAME.onnx.json" in fields["config"]["description"]
    download = document["paths"]["/api/voices/{name}/files/{file}"]["get"]
    pattern = {one["name"]: one["schema"]["pattern"] for one in download["parameters"]}["file"]
    for name in ("en_US-joe-medium.onnx", "my_voice.onnx.json"):
        assert re.search(pattern, name)
    for name in ("../x.onnx", "my voice.onnx", "x.onnx.txt"):
        assert not re.search(pattern, name)


def test_fields_are_described_where_they_are_declared() -> None:
    schema = schema_of(Readiness)
    assert schema["title"] == "Readiness"
    assert "voice" in schema["description"]
    assert schema["properties"]["draining"]["description"].startswith("Whether the server")
    assert schema_of(VoiceState)["title"] == "VoiceState"


def test_two_shapes_of_one_name_are_refused() -> None:
    components = Components()
    first = {"type": "object", "properties": {"title": {"type": "string"}}, "title": "A"}
    assert components.shared(first) == {"$ref": f"{PLACE}A"}
    assert components.shared(first) == {"$ref": f"{PLACE}A"}
    with pytest.raises(ValueError, match="A"):
        components.shared({"type": "string", "title": "A"})


class Anchors(HTMLParser):
    """Collects ids, links and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for value in (found.get("href"), found.get("src")) if value]
        assert not [key for key in found if key.startswith("on") or key == "style"]

    def handle_data(self, data: str) -> None:
        self.texts.append(unescape(data))


async def test_page_shows_every_call_and_leads_nowhere_else(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script())
    _, document = await site.get("/openapi.json")
    async with site.client.get("/reference") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        page = Anchors()
        page.feed(await answer.text())
    assert len(set(page.ids)) == len(page.ids)
    assert set(document["paths"]) <= set(page.texts)
    assert set(document["components"]["schemas"]) <= set(page.texts)
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            async with site.client.get(f"/{link.removeprefix('./')}") as found:
                assert found.status == 200, link

"""The reference as a page: plain HTML without a script, made of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .components import name_of

HTML = "text/html"

_LIMITS = ("minimum", "maximum", "pattern", "contentMediaType")


def make_page(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    info, groups = document["info"], _groups(document)
    title = f"{info['title']} {info['version']}"
    links = "".join(
        _element("li", _link(f"#{_anchor(name)}", name)) for name in (*groups, "Schemas")
    )
    texts = {tag["name"]: tag["description"] for tag in document["tags"]}
    sections = "".join(_group(name, texts[name], calls) for name, calls in groups.items())
    schemas = "".join(_schema(*schema) for schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}: API</title>"
        '<link rel="icon" href="static/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="static/reference.css"></head><body>'
        f"<header><h1>{escape(title)}: API</h1>{_paragraph(info['description'])}"
        f"<p>{_link('openapi.json', 'OpenAPI document')} · {_link('./', 'Web page')}</p>"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav></header><main>{sections}'
        f'<section><h2 id="{_anchor("Schemas")}">Schemas</h2>{schemas}</section>'
        "</main></body></html>"
    )


def _groups(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    """Return method, path and operation of the calls, by their tag."""
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {
        tag["name"]: [] for tag in document["tags"]
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append((method.upper(), path, operation))
    return groups


def _group(name: str, text: str, calls: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    shown = "".join(_call(*call) for call in calls)
    return (
        f'<section><h2 id="{_anchor(name)}">{escape(name)}</h2>{_paragraph(text)}{shown}</section>'
    )


def _call(method: str, path: str, operation: Mapping[str, Any]) -> str:
    title = f"{method} {path}"
    head = f"<span>{escape(method)}</span> <code>{escape(path)}</code>"
    parts = [
        f'<h3 id="{escape(operation["operationId"])}">{head}</h3>',
        _paragraph(f"{operation['summary']}."),
        _paragraph(operation["description"]),
    ]
    if parameters := operation.get("parameters"):
        rows = (
            (one["name"], f"{one['in']}: {one['description']}", _kind(one["schema"]))
            for one in parameters
        )
        parts.append(_table("Parameters", title, ("Name", "Meaning", "Type"), rows))
    if body := operation.get("requestBody"):
        needed = "yes" if body["required"] else "no"
        rows = ((kind, needed, _kind(one["schema"])) for kind, one in body["content"].items())
        parts.append(_table("Body", title, ("Media type", "Required", "Type"), rows))
    answers = (
        (f"{status} {answer['description']}", kind, _kind(one["schema"]))
        for status, answer in sorted(operation["responses"].items())
        for kind, one in answer["content"].items()
    )
    parts.append(_table("Answers", title, ("Status", "Media type", "Type"), answers))
    return _element("article", "".join(parts))


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = [
        (
            field if field in needed else f"{field} (optional)",
            value.get("description", ""),
            _kind({key: item for key, item in value.items() if key != "description"}),
        )
        for field, value in schema.get("properties", {}).items()
    ]
    parts = [
        f'<h3 id="{_anchor(name)}">{escape(name)}</h3>',
        _paragraph(schema.get("description", "")),
        _table("Fields", name, ("Name", "Meaning", "Type"), rows) if rows else "",
        f"<p>{_kind(schema)}</p>" if "enum" in schema else "",
    ]
    return _element("article", "".join(parts))


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words, as HTML."""
    if (reference := schema.get("$ref")) is not None:
        name = name_of(reference)
        return _link(f"#{_anchor(name)}", name)
    for key, between in (("anyOf", " or "), ("allOf", " and ")):
        if key in schema:
            return between.join(_kind(one) for one in schema[key])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    words = escape(str(schema.get("type", "anything")))
    for key in ("items", "additionalProperties", "contentSchema"):
        if isinstance(inner := schema.get(key), Mapping):
            words += f" of {_kind(inner)}"
    if "properties" in schema:
        fields = (
            f"<code>{escape(key)}</code>: {_kind(one)}" for key, one in schema["properties"].items()
        )
        words += f" with {', '.join(fields)}"
    limits = (
        f", {key} <code>{escape(str(schema[key]))}</code>" for key in _LIMITS if key in schema
    )
    return words + "".join(limits)


def _table(
    title: str, subject: str, head: Iterable[str], rows: Iterable[tuple[str, str, str]]
) -> str:
    """Return a table; the last cell of each row is HTML already."""
    heads = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    body = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(text)}</td>'
        f"<td>{kind}</td></tr>"
        for name, text, kind in rows
    )
    label = escape(f"{title}: {subject}")
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{label}"><table>'
        f"<caption>{escape(title)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _anchor(name: str) -> str:
    return f"of-{escape(name)}"


def _link(target: str, text: str) -> str:
    return f'<a href="{escape(target)}">{escape(text)}</a>'


def _paragraph(text: str) -> str:
    return "".join(f"<p>{escape(one)}</p>" for one in text.split("\n\n") if one)


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"

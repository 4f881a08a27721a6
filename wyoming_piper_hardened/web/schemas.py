"""The shapes of bodies, as JSON Schema; the OpenAPI document consists of them."""

from __future__ import annotations

from ..issues import Failure
from ..recent_log import LogEntry
from ..store.voice import NAME_PATTERN
from ..text.length import MAX_TEXT_CHARS
from ..voices.job import Action, Outcome
from ..voices.progress import Step
from .endpoint import Schema
from .json_shapes import schema_of

JSON = "application/json"

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
SWITCH: Schema = {"type": "boolean"}


def array(items: Schema) -> Schema:
    """An array of equal items."""
    return {"type": "array", "items": items}


def choice(*values: str) -> Schema:
    """One of some strings."""
    return {"type": "string", "enum": list(values)}


def record(fields: dict[str, Schema], *, needed: tuple[str, ...] | None = None) -> Schema:
    """An object with these fields and no others; all of them unless told which are `needed`."""
    names = tuple(fields) if needed is None else needed
    required = {"required": list(names)} if names else {}
    return {"type": "object", "properties": fields, "additionalProperties": False, **required}


def maybe(schema: Schema) -> Schema:
    """Or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def ranged(low: float, high: float) -> Schema:
    """A number in a range, or null."""
    return maybe({"type": "number", "minimum": low, "maximum": high})


SPOKEN_TEXT: Schema = {
    "type": "string",
    "description": f"at most {MAX_TEXT_CHARS} characters, else 413",
}
VOICE_NAME: Schema = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}

PROGRESS = record(
    {
        "step": choice(*Step),
        "file": TEXT,
        "done": WHOLE,
        "total": WHOLE,
    }
)
JOB = record(
    {
        "voice": TEXT,
        "action": choice(*Action),
        "progress": PROGRESS,
    }
)
FINISHED_JOB = record(
    {
        "id": TEXT,
        "voice": TEXT,
        "action": choice(*Action),
        "outcome": choice(*Outcome),
        "code": TEXT,
        "message": TEXT,
    }
)
ISSUE = record(
    {
        "id": TEXT,
        "kind": TEXT,
        "subject": TEXT,
        "code": TEXT,
        "params": {"type": "object"},
        "message": TEXT,
        "suggestion": maybe(TEXT),
        "applicable": SWITCH,
        "dismissible": SWITCH,
    }
)
STATUS = record(
    {
        "version": TEXT,
        "started_at": NUMBER,
        "uptime": NUMBER,
        "ready": SWITCH,
        "voice": TEXT,
        "speaks": maybe(TEXT),
        "workers": array(
            record(
                {
                    "name": TEXT,
                    "state": TEXT,
                    "pid": maybe(WHOLE),
                    "memory": WHOLE,
                    "segments": WHOLE,
                    "restarts": WHOLE,
                    "last_failure": maybe(schema_of(Failure)),
                    "last_failure_at": maybe(NUMBER),
                }
            )
        ),
        "queue": record(
            {"requests": WHOLE, "waiting_segments": WHOLE, "quarantined_segments": WHOLE}
        ),
        "jobs": array(JOB),
        "finished_jobs": array(FINISHED_JOB),
        "issues": array(ISSUE),
        "requests": array(
            record(
                {
                    "id": TEXT,
                    "at": NUMBER,
                    "voice": TEXT,
                    "outcome": TEXT,
                    "characters": WHOLE,
                    "first_audio": maybe(NUMBER),
                    "audio": NUMBER,
                    "duration": NUMBER,
                    "real_time_factor": maybe(NUMBER),
                    "text": maybe(TEXT),
                }
            )
        ),
        "recent_log": array(schema_of(LogEntry)),
        "memory": WHOLE,
    }
)
READINESS = record({"ready": SWITCH, "issues": array(ISSUE)})
VOICE = record(
    {
        "name": TEXT,
        "language": TEXT,
        "language_name": TEXT,
        "country": TEXT,
        "quality": TEXT,
        "speakers": array(TEXT),
        "number_of_speakers": WHOLE,
        "sample_rate": maybe(WHOLE),
        "bytes": WHOLE,
        "state": choice("installed", "custom", "embedded", "available"),
        "default": SWITCH,
        "prepared": maybe(SWITCH),
        "issues": array(TEXT),
    }
)
VOICES = record(
    {
        "voices": array(VOICE),
        "languages": array(record({"code": TEXT, "name": TEXT})),
        "qualities": array(TEXT),
    }
)
ERROR = record({"error": record({"code": TEXT, "message": TEXT, "retryable": SWITCH})})
OPENAI_ERROR = record(
    {"error": record({"message": TEXT, "type": TEXT, "param": maybe(TEXT), "code": maybe(TEXT)})}
)

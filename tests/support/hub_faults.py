"""Faults of a voice repository, and its files."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Mapping
from email.utils import formatdate
from enum import StrEnum, auto
from typing import Any

from aiohttp import web


class Fault(StrEnum):
    """Faults of the hub; `at` and `times` of `FaultyHub.fault` say where and how often."""

    CUT = auto()
    """The connection is closed after `at` bytes."""
    RESET = auto()
    """The same, by a reset."""
    STALL = auto()
    """After `at` bytes nothing more comes."""
    DRIP = auto()
    """After `at` bytes one comes every few milliseconds."""
    SHORT = auto()
    """`at` bytes are announced and sent as if that were all."""
    EARLY_END = auto()
    """`at` bytes come, the length is not announced, and the end is a proper one."""
    LONG = auto()
    """A byte too many, announced."""
    ENDLESS = auto()
    """The body does not end."""
    FLIP = auto()
    """The byte `at` is another one."""
    HTML = auto()
    """A web page, 200."""
    LFS_POINTER = auto()
    """The pointer that Git LFS keeps instead of the file."""
    JSON_ERROR = auto()
    """An error message, 200."""
    XML_ERROR = auto()
    """A store's error message, 200."""
    IGNORE_RANGE = auto()
    """200 and all bytes for a range."""
    WRONG_RANGE = auto()
    """A range that begins elsewhere."""
    OTHER_ETAG = auto()
    """A range of another version."""
    NOT_SATISFIABLE = auto()
    """416 for a range."""
    GZIP = auto()
    """Says that the body is compressed."""
    EXPIRED = auto()
    """The store revokes the signed address: 403 on it from then on."""
    NOT_FOUND = auto()
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    TIMEOUT = auto()
    TOO_EARLY = auto()
    BUSY = auto()
    """503."""
    BUSY_LONG = auto()
    """503 with an hour to wait."""
    RATE_SECONDS = auto()
    """429, Retry-After in seconds (`at`)."""
    RATE_DATE = auto()
    """429, Retry-After as a date, `at` seconds from now."""
    RATE_HEADER = auto()
    """429 with ``RateLimit: …;t=`` and nothing else."""
    TEAPOT = auto()
    """A status that nobody expects."""
    NO_ANSWER = auto()
    """The hub accepts the request and never answers."""
    NOT_HTTP = auto()
    """The hub answers with something else."""
    NO_COMMIT = auto()
    """The hub's answers lack the commit."""
    OTHER_COMMIT = auto()
    """The hub's answers name another commit."""
    PORTAL = auto()
    """The hub redirects to a login page at the stranger's."""
    LOOP = auto()
    """The hub redirects to itself."""
    MAZE = auto()
    """The hub redirects to ever new addresses."""
    STRANGER = auto()
    """The hub redirects to the stranger, which has the file."""
    BACK = auto()
    """The hub redirects to the stranger, which redirects back to the hub."""
    FILE_SCHEME = auto()
    """The hub redirects to ``file:``."""
    NOWHERE = auto()
    """The hub redirects without saying where to."""
    OTHER_DIGEST = auto()
    """The hub announces another SHA-256."""
    OTHER_SIZE = auto()
    """The hub announces another size."""


PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Wi-Fi</body></html>\n"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 63201294\n" % 0
STATUS = {
    Fault.NOT_FOUND: 404,
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.TIMEOUT: 408,
    Fault.TOO_EARLY: 425,
    Fault.BUSY: 503,
    Fault.BUSY_LONG: 503,
    Fault.RATE_SECONDS: 429,
    Fault.RATE_DATE: 429,
    Fault.RATE_HEADER: 429,
    Fault.TEAPOT: 418,
}
INSTEAD = {
    Fault.HTML: PAGE,
    Fault.LFS_POINTER: _POINTER,
    Fault.JSON_ERROR: b'{"error": "Internal error, we are on it"}',
    Fault.XML_ERROR: b'<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
}
AT_THE_HUB = {
    *(Fault.NO_ANSWER, Fault.NOT_HTTP, Fault.NO_COMMIT, Fault.OTHER_COMMIT, Fault.PORTAL),
    *(Fault.LOOP, Fault.MAZE, Fault.STRANGER, Fault.BACK, Fault.FILE_SCHEME, Fault.NOWHERE),
    *(Fault.OTHER_DIGEST, Fault.OTHER_SIZE, *STATUS),
}
RANGES_ONLY = {
    *(Fault.IGNORE_RANGE, Fault.WRONG_RANGE, Fault.OTHER_ETAG, Fault.NOT_SATISFIABLE),
}


def voices_json(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the hub's catalogue with the one voice whose files these are."""
    model = next(path for path in files if path.endswith(".onnx"))
    _, code, dataset, quality, name = model.removesuffix(".onnx").split("/")
    family, region = code.split("_")
    return {
        name: {
            "key": name,
            "name": dataset,
            "language": {
                "code": code,
                "family": family,
                "region": region,
                "name_native": "English",
                "name_english": "English",
                "country_english": "United States",
            },
            "quality": quality,
            "num_speakers": 1,
            "speaker_id_map": {},
            "files": {
                path: {
                    "size_bytes": len(data),
                    "md5_digest": digest("md5", data),
                }
                for path, data in files.items()
                if "/" in path
            },
            "aliases": ["en-us-joe-medium"],
        }
    }


@functools.cache
def digest(name: str, data: bytes) -> str:
    """In hex; the real voice is digested once for all tests."""
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()


def refusal(fault: Fault, at: int, headers: dict[str, str]) -> web.Response:
    """Return the answer of a fault that is a status."""
    match fault:
        case Fault.RATE_SECONDS:
            headers["Retry-After"] = str(at)
        case Fault.RATE_DATE:
            headers["Retry-After"] = formatdate(time.time() + at, usegmt=True)
        case Fault.RATE_HEADER:
            headers["RateLimit"] = f'"resolvers";r=0;t={at}'
        case Fault.BUSY_LONG:
            headers["Retry-After"] = "3600"
        case _:
            pass
    return web.Response(status=STATUS[fault], headers=headers, text="no")

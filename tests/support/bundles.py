"""Bundles as they are, and as somebody may have bent them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.voices import SINGLE, SINGLE_CONFIG

NAME = "en_US-tiny-medium"
MODEL, CONFIG = SINGLE.read_bytes(), SINGLE_CONFIG.read_bytes()
MD5 = hashlib.md5(MODEL, usedforsecurity=False).hexdigest()


def index(**changes: Any) -> bytes:
    """Return the index of a tiny voice's bundle; `changes` replace keys."""
    files = {"model.onnx.json": CONFIG, "model.onnx": MODEL}
    data = {
        "format": 1,
        "architecture": "any",
        "voice": NAME,
        "source": f"hub:{MD5}",
        "files": {name: record(content) for name, content in files.items()},
    }
    return json.dumps(data | changes).encode()


def record(content: bytes) -> dict[str, Any]:
    """Return the facts of a file that an index lists."""
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def archive(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """Return a tar archive."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as file:
        for name, content in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if member.isreg():
                member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return target.getvalue()


def bundle(head: bytes | None = None, *, more: Iterable[tuple[Any, bytes]] = ()) -> bytes:
    """Return the bundle of a tiny voice, with another index or more files behind it."""
    return archive(
        ("voice.json", index() if head is None else head),
        ("model.onnx.json", CONFIG),
        ("model.onnx", MODEL),
        *more,
    )


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return an entry that is no plain file."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def flipped(content: bytes, at: int) -> bytes:
    """Return the bytes with one of them changed."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def traces(data: Path) -> list[str]:
    """Return the files of voices and transactions below a data directory."""
    return sorted(
        str(path.relative_to(data))
        for folder in ("voices", "staging")
        for path in (data / folder).rglob("*")
        if path.is_file()
    )

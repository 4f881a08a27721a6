"""A model's graph without its weights, which stay where they are: in the model's file.

An ONNX file is one protobuf message. This reads its outline, copies everything but the bytes of
large initializers, and puts references to their places in the file instead (ONNX calls that
external data). The graph of a 63 MB voice takes less than 1 MB so, and ONNX Runtime maps the
weights from the file when it needs them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, StringStringEntryProto, TensorProto

from ....errors import VoiceModelError

SMALLEST: Final = 1024
"""Bytes of the smallest weights that stay in the file; below, a reference would not be shorter."""

_GRAPH: Final = 7  # field of ModelProto
_INITIALIZER: Final = 5  # field of GraphProto
_RAW_DATA: Final = 9  # field of TensorProto
_EXTERNAL_DATA: Final = 13  # likewise
_DATA_LOCATION: Final = 14  # likewise
_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5  # wire types
_VARINT_BITS: Final = 63
_CONTINUED: Final = 0x80


class _MalformedError(Exception):
    """The bytes are no protobuf message."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a message, as places in the file."""

    number: int
    wire: int
    start: int
    """Of its tag."""
    body: int
    """Of its value."""
    stop: int


def read_graph(model: Path) -> ModelProto:
    """Return the model in a file, its large initializers as references into that file.

    References name the file without its folder. Nothing of the weights is read.

    Raises:
        VoiceModelError: it is no ONNX model, or keeps weights in other files.
    """
    try:
        with (
            model.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            outline = _without_weights(data, model.name)
        found = ModelProto()
        found.ParseFromString(outline)
    except OSError as error:
        raise VoiceModelError(f"cannot read {model.name}: {error.strerror}") from error
    except (ValueError, DecodeError, _MalformedError) as error:  # an empty file cannot be mapped
        raise VoiceModelError(
            f"{model.name} is no ONNX model ({error}); download the voice again"
        ) from error
    _require_own_weights(found, model.name)
    return found


def _require_own_weights(model: ModelProto, name: str) -> None:
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location" and entry.value != name:
                raise VoiceModelError(
                    f"{name} keeps weights in another file; a Piper voice is one file"
                )


def _without_weights(data: mmap.mmap, location: str) -> bytes:
    outline = bytearray()
    for field in _fields(data, 0, len(data)):
        if field.number == _GRAPH and field.wire == _COUNTED:
            graph = bytearray()
            for part in _fields(data, field.body, field.stop):
                if part.number == _INITIALIZER and part.wire == _COUNTED:
                    _append(graph, _INITIALIZER, _tensor(data, part, location))
                else:
                    graph += data[part.start : part.stop]
            _append(outline, _GRAPH, graph)
        else:
            outline += data[field.start : field.stop]
    return bytes(outline)


def _tensor(data: mmap.mmap, tensor: _Field, location: str) -> bytes:
    fields = list(_fields(data, tensor.body, tensor.stop))
    weights = [field for field in fields if field.number == _RAW_DATA]
    if len(weights) > 1:
        raise _MalformedError("a weight is given twice")
    if not weights or weights[0].stop - weights[0].body < SMALLEST:
        return data[tensor.body : tensor.stop]
    rest = bytearray()
    for field in fields:
        if field.number in (_EXTERNAL_DATA, _DATA_LOCATION):
            raise _MalformedError("a weight is given twice")
        if field.number != _RAW_DATA:
            rest += data[field.start : field.stop]
    offset, length = weights[0].body, weights[0].stop - weights[0].body
    reference = TensorProto(data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        reference.external_data.append(StringStringEntryProto(key=key, value=str(value)))
    return bytes(rest) + bytes(reference.SerializeToString())


def _fields(data: mmap.mmap, start: int, stop: int) -> Iterator[_Field]:
    """Return the fields of the message from `start` up to `stop`."""
    place = start
    while place < stop:
        tag, body = _varint(data, place, stop)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, end = _varint(data, body, stop)
        elif wire == _COUNTED:
            length, body = _varint(data, body, stop)
            end = body + length
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            end = body + (8 if wire == _EIGHT_BYTES else 4)
        else:
            raise _MalformedError(f"field of unknown kind {wire}")
        if not number or end > stop:
            raise _MalformedError("it is cut off" if number else "field without a number")
        yield _Field(number, wire, place, body, end)
        place = end


def _varint(data: mmap.mmap, place: int, stop: int) -> tuple[int, int]:
    """(value, place after it)."""
    value = 0
    for shift in range(0, _VARINT_BITS + 1, 7):
        if place >= stop:
            raise _MalformedError("it is cut off")
        byte = data[place]
        place += 1
        value |= (byte & (_CONTINUED - 1)) << shift
        if byte < _CONTINUED:
            return value, place
    raise _MalformedError("number out of range")


def _append(message: bytearray, number: int, value: bytes | bytearray) -> None:
    """Add a field of counted bytes to `message`."""
    message.append(number << 3 | _COUNTED)
    length = len(value)
    while length >= _CONTINUED:
        message.append(length & (_CONTINUED - 1) | _CONTINUED)
        length >>= 7
    message.append(length)
    message += value

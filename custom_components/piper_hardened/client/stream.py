"""Parser of server-sent events with a limit."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import StreamError

MAX_EVENT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name, its data, and the id of the last one that had one."""

    name: str
    data: str
    id: str


class EventParser:
    """Turns bytes, cut anywhere, into events.

    Args:
        limit: bytes of a line, and of an event.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._rest = b""
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._id = ""
        self.retry: float | None = None
        """Seconds to wait before connecting anew, if the server has asked for that."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that are complete now.

        Raises:
            StreamError: an event is longer than the limit.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._limit:
            raise StreamError("an event is too long")
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> ServerEvent | None:
        line = line.removesuffix(b"\r")
        if not line:
            return self._dispatch()
        self._size += len(line)
        if self._size > self._limit:
            raise StreamError("an event is too long")
        field, _, raw = line.partition(b":")
        value = raw.removeprefix(b" ").decode("utf-8", "replace")
        match field:
            case b"event":
                self._name = value
            case b"data":
                self._data.append(value)
            case b"id":
                self._id = value
            case b"retry" if value.isascii() and value.isdigit():
                self.retry = int(value[:9]) / 1000
            case _:  # a comment, or a field of the future
                pass
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        return ServerEvent(name, "\n".join(data), self._id) if data else None

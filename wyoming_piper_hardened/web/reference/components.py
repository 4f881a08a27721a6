"""Shared components: every named shape is described once, and referred to by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bodies.json_shapes import Schema

_PLACE = "#/components/schemas/"


class Components:
    """Collects the named shapes of schemas: those that have a ``title``."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def shared(self, schema: Schema) -> dict[str, Any]:
        """Return a schema with references instead of the named shapes in it.

        Raises:
            ValueError: two different shapes have the same name.
        """
        title = schema.get("title")
        plain = {key: self._shared_value(value) for key, value in schema.items()}
        if not isinstance(title, str):
            return plain
        if self.schemas.setdefault(title, plain) != plain:
            raise ValueError(f"there are two different shapes called {title}")
        return {"$ref": f"{_PLACE}{title}"}

    def _shared_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.shared(value)
        return [self._shared_value(item) for item in value] if isinstance(value, list) else value


def name_of(reference: str) -> str:
    """Return the name of the component that a reference leads to."""
    return reference.removeprefix(_PLACE)

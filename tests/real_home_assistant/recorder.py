"""Run checks one after another, and keep what they found."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from .results import Findings, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

CHECK_WITHIN = 180.0


class Recorder:
    """Prints each result as it comes; `results` has them all."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    async def run(self, title: str, check: Callable[[Findings], Awaitable[T]]) -> T | None:
        """Return what the check returns, None when it could not come to an end."""
        findings, began = Findings(), time.monotonic()
        value: T | None = None
        try:
            async with asyncio.timeout(CHECK_WITHIN):
                value = await check(findings)
        except Exception as error:  # noqa: BLE001 - one check's fault must not hide the others
            findings.problems.append(f"{type(error).__name__}: {error}")
        self._keep(findings.result(title, time.monotonic() - began))
        return value

    def fail(self, title: str, problem: str) -> None:
        """Keep a failure that happened beside the checks."""
        self._keep(Findings(problems=[problem]).result(title, 0.0))

    def _keep(self, result: Result) -> None:
        self.results.append(result)
        print(result.line(), flush=True)

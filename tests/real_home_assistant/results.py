"""Results of the checks, for a person and for a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

TITLE_WIDTH = 42


@dataclass(frozen=True, slots=True)
class Result:
    """A finished check: it passed when there are no problems."""

    title: str
    measurements: dict[str, str]
    problems: list[str]
    seconds: float
    wyoming: list[list[str]]
    """A transcript for each Wyoming connection that Home Assistant opened for speech."""

    @property
    def passed(self) -> bool:
        """Return whether all was as it must be."""
        return not self.problems

    def line(self) -> str:
        """Return the check as a line for a person."""
        measured = ", ".join(f"{name} {value}".strip() for name, value in self.measurements.items())
        verdict = "ok  " if self.passed else "FAIL"
        head = f"{verdict} {self.seconds:6.1f} s  {self.title:<{TITLE_WIDTH}}  {measured}".rstrip()
        return "\n".join([head, *(f"{'':15}- {problem}" for problem in self.problems)])

    def as_json(self) -> dict[str, Any]:
        """Return the check as data for a JSON file."""
        return {"passed": self.passed} | asdict(self)


@dataclass(slots=True)
class Findings:
    """Measurements and problems of a running check."""

    measurements: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    wyoming: list[list[str]] = field(default_factory=list)

    def require(self, condition: object, problem: str) -> None:
        """Note the problem unless the condition holds."""
        if not condition:
            self.problems.append(problem)

    def measure(self, name: str, value: float | None, unit: str = "s") -> None:
        """Note a number unless it is None; only seconds get digits after the point."""
        if value is None:
            return
        if unit == "s":
            self.measurements[name] = f"{value:.3f} s"
        else:
            self.measurements[name] = f"{value:.0f} {unit}".rstrip()

    def result(self, title: str, seconds: float) -> Result:
        """Return the finished check."""
        return Result(title, self.measurements, self.problems, seconds, self.wyoming)

"""Which real servers a test run used: counted in each test process, added up in the one that prints the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(kw_only=True)
class ServiceUse:
    """One service in one test run. `reason` says why it could not be had; `ready_seconds` is of the slowest start."""

    name: str
    version: str = ""
    how: str = ""
    tests: int = 0
    starts: int = 0
    ready_seconds: float = 0.0
    reason: str = ""

    def add(self, other: ServiceUse) -> None:
        """Add what another process (a worker of pytest-xdist) counted."""
        self.version = self.version or other.version
        self.how = self.how or other.how
        self.reason = self.reason or other.reason
        self.tests += other.tests
        self.starts += other.starts
        self.ready_seconds = max(self.ready_seconds, other.ready_seconds)


class Usage:
    """The uses of all services of a run, by name."""

    def __init__(self) -> None:
        self._uses: dict[str, ServiceUse] = {}

    def of(self, name: str) -> ServiceUse:
        """The use of one service, to be counted up."""
        return self._uses.setdefault(name, ServiceUse(name=name))

    def asked_for(self) -> bool:
        """Whether any test wanted a service, had or not."""
        return bool(self._uses)

    def as_rows(self) -> list[dict[str, Any]]:
        """Plain values that a worker can send to the controller."""
        return [asdict(use) for use in self._uses.values()]

    def add_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add what `as_rows` gave in another process."""
        for row in rows:
            self.of(row["name"]).add(ServiceUse(**row))

    def table(self, names: Iterable[str]) -> list[str]:
        """The lines of the summary: first what ran, then what did not, with the reason."""
        uses = [self.of(name) for name in names]
        ran = [
            (use.name, use.version, str(use.tests), f"{use.ready_seconds:.2f} s", use.how) for use in uses if use.starts
        ]
        lines = aligned([("server", "version", "tests", "ready", "found"), *ran]) if ran else []
        for use in uses:
            if not use.starts:
                lines.append(f"{use.name}: not exercised ({use.reason or 'no test of this run asked for it'})")
        return lines


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

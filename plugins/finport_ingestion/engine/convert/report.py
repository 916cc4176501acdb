"""What became of a file: one object for people, for `--report json` and for the manifest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a conversion ended."""

    OK = "ok"
    OK_WITH_WARNINGS = "ok_with_warnings"
    QUARANTINED_ROWS = "quarantined_rows"
    REFUSED = "refused"


_MEASURED = frozenset({"seconds", "bytes", "peak_memory_bytes"})


def outcome_of(*, quarantined: int, warned: bool) -> Outcome:
    """The outcome of a file that was converted."""
    if quarantined:
        return Outcome.QUARANTINED_ROWS
    return Outcome.OK_WITH_WARNINGS if warned else Outcome.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReport:
    """One column as it is written."""

    name: str
    type: str  # logical
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """One written file."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """One table of the file."""

    name: str
    rows: int
    quarantined: int
    columns: tuple[ColumnReport, ...]
    parts: tuple[PartReport, ...]
    quarantine: str | None = None  # the file of the records that were set aside

    def moved(self, old: str, new: str) -> TableReport:
        """The same with its files in another folder."""
        parts = tuple(dataclasses.replace(part, path=part.path.replace(old, new, 1)) for part in self.parts)
        quarantine = self.quarantine.replace(old, new, 1) if self.quarantine else None
        return dataclasses.replace(self, parts=parts, quarantine=quarantine)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One input."""

    path: str
    outcome: Outcome
    format: str | None = None
    encoding: str | None = None
    compression: str | None = None
    confidence: float | None = None  # in the format, where it was recognised
    tables: tuple[TableReport, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    error: str | None = None
    seconds: float = 0.0
    bytes: int = 0
    peak_memory_bytes: int = 0  # of the process so far

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def quarantined(self) -> int:
        return sum(table.quarantined for table in self.tables)

    def to_plain(self, *, measured: bool = True) -> dict[str, Any]:
        """As JSON takes it.

        Args:
            measured: With times and sizes of memory, which are others in each run.
        """
        plain = dataclasses.asdict(self)
        return plain if measured else {key: value for key, value in plain.items() if key not in _MEASURED}

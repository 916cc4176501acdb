"""The records that wait in quarantine, by the run and source that rejected them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finport_ingestion.cli.run_places import RunFolder, run_folders
from finport_ingestion.engine.errors import PermanentError

if TYPE_CHECKING:
    from upath import UPath

    from finport_ingestion.engine.files import Places

PART, ROW, REASON, TEXT = "_finport_part", "_finport_row", "_finport_reason", "_finport_text"
"""Keys of an exported record that are not its own: which record it is, what is wrong, a line that is no record."""

_SHOWN = ["part", "row", "item", "stage", "column", "rule", "value", "reason"]
_TOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """The rejected records of one source in one run."""

    folder: RunFolder

    @property
    def where(self) -> str:
        """For messages."""
        return f"run {self.folder.run_id}, source {self.folder.source}"

    def files(self) -> list[UPath]:
        """The Parquet files, in the order of the stages that wrote them."""
        return sorted(self.folder.path.glob("*.parquet"), key=lambda path: path.name)

    def count(self) -> int:
        """How many records there are."""
        import pyarrow.parquet as pq

        total = 0
        for path in self.files():
            with path.open("rb") as file:
                total += pq.ParquetFile(file).metadata.num_rows
        return total

    def why(self) -> str:
        """The rules that are broken most often: `close: between (12), date: not null (3)`."""
        broken: Counter[str] = Counter()
        for row in self._rows(["column", "rule"]):
            broken[": ".join(text for text in (row["column"], row["rule"]) if text)] += 1
        top = [f"{rule} ({count})" for rule, count in sorted(broken.items(), key=lambda each: (-each[1], each[0]))]
        return ", ".join(top[:_TOP]) + (", ..." if len(top) > _TOP else "")

    def findings(self) -> Iterator[dict[str, Any]]:
        """What is wrong, a record each: values are masked as the policy had it."""
        for row in self._rows(_SHOWN):
            yield {"workflow": self.folder.workflow, "run": self.folder.run_id, "source": self.folder.source, **row}

    def records(self) -> Iterator[dict[str, Any]]:
        """The whole records, as they are exported for repair, in the order of delivery."""
        rows = self._rows(["part", "row", "reason", "record"])
        for row in sorted(rows, key=lambda row: (row["part"], row["row"])):
            yield {PART: row["part"], ROW: row["row"], REASON: row["reason"], **_fields(row["record"])}

    def keys(self) -> set[tuple[str, int]]:
        """(part, row) of every record."""
        return {(row["part"], row["row"]) for row in self._rows(["part", "row"])}

    def _rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        import pyarrow.parquet as pq

        for path in self.files():
            with path.open("rb") as file:
                for batch in pq.ParquetFile(file).iter_batches(columns=list(columns)):
                    yield from batch.to_pylist()


def quarantined(places: Places, *, source: str | None = None) -> list[Quarantined]:
    """All that is kept, in the order of workflows, sources and runs."""
    found = (Quarantined(folder=folder) for folder in run_folders(places, "quarantine", source=source))
    return [each for each in found if each.files()]


def of_run(places: Places, run: str, *, source: str | None = None) -> list[Quarantined]:
    """What one run rejected; `run` is its id, or a beginning of it that no other has.

    Raises:
        PermanentError: No run with records in quarantine is called so, or several are.
    """
    known = quarantined(places, source=source)
    exact = [each for each in known if run in (each.folder.run_id, f"{each.folder.workflow}/{each.folder.run_id}")]
    found = exact or [each for each in known if each.folder.run_id.startswith(run)]
    runs = sorted({f"{each.folder.workflow}/{each.folder.run_id}" for each in found})
    of = f" of source {source}" if source else ""
    if not found:
        raise PermanentError(
            f"no run called '{run}' has records{of} in quarantine.", hint="see 'finport quarantine list'"
        )
    if len(runs) > 1:
        raise PermanentError(f"several runs are called '{run}'.", hint=f"name one of {', '.join(runs)}")
    return found


def _fields(record: str | None) -> Mapping[str, Any]:
    try:
        fields = json.loads(record or "{}")
    except ValueError:
        return {TEXT: record}
    return fields if isinstance(fields, dict) else {TEXT: fields}

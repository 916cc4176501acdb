"""A system that grows, a project that takes it increment by increment, and what must stand in the storage.

To try another protocol: a class with `source()`, `add()` and `capabilities`, and a line in
`test_every_incremental_source.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.store.read import dataset_folder, open_snapshot
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.perform import Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import write_project

DAY = datetime(2026, 2, 1, tzinfo=UTC)

Row = tuple[str | None, str]
"""The cursor's value as it is delivered, and the rest of the record."""


class GrowingSystem(Protocol):
    """Where records are added, and never changed."""

    takes_nulls: bool
    """Whether a record without a cursor value can be delivered at all."""

    def source(self, cursor: CursorKind) -> str:
        """The `source` block of a document that reads it, in one line; sets up the system for this kind of cursor."""
        ...

    def add(self, rows: Sequence[Row]) -> None:
        """More records, seen by the next run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorKind:
    """One type of cursor: values in rising order as they are delivered, and how far apart they are."""

    name: str
    type: str  # of the contract
    values: tuple[str, ...]
    lookback: str
    sql_type: str

    def worth(self, text: str) -> Any:
        """What is compared."""
        if self.type == "integer":
            return int(text)
        if self.type.startswith("decimal"):
            return Decimal(text)
        if self.type == "date":
            return date.fromisoformat(text)
        return datetime.fromisoformat(text)

    def lowered(self, worth: Any) -> Any:
        """How far down the lookback reaches."""
        if isinstance(worth, datetime):
            return worth - timedelta(hours=int(self.lookback.removesuffix("h")))
        if isinstance(worth, date):
            return worth - timedelta(days=int(self.lookback.removesuffix("d")))
        return worth - int(self.lookback)


KINDS = {
    kind.name: kind
    for kind in (
        CursorKind(
            name="integer",
            type="integer",
            sql_type="INTEGER",
            # As texts they would be in another order.
            values=("7", "8", "9", "10", "11", "99", "100"),
            lookback="2",
        ),
        CursorKind(
            name="date",
            type="date",
            sql_type="DATE",
            values=("2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03"),
            lookback="1d",
        ),
        CursorKind(
            name="decimal",
            type="decimal(20,6)",
            sql_type="DECIMAL(20,6)",
            # The last digits of what a double cannot hold.
            values=("90071992547.740991", "90071992547.740992", "90071992547.740993", "90071992549.5"),
            lookback="1",
        ),
        CursorKind(
            name="moment",
            type="timestamp(UTC)",
            sql_type="TIMESTAMP WITH TIME ZONE",
            # Two spellings of one moment, one microsecond more, and an hour that another zone calls a smaller one.
            values=(
                "2026-01-01T09:00:00+00:00",
                "2026-01-01T10:00:00+00:00",
                "2026-01-01T12:00:00+02:00",
                "2026-01-01T10:00:00.000001+00:00",
                "2026-01-01T05:30:00-05:00",
                "2026-01-01T11:59:59.999999+00:00",
            ),
            lookback="1h",
        ),
    )
}


@dataclass
class Ingested:
    """A project with one incremental source, and the model of what its dataset must hold."""

    folder: Path
    system: GrowingSystem
    kind: CursorKind
    lookback: bool = False
    expected: Counter[Row] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    _pending: list[Row] = field(default_factory=list)
    _mark: Any = None
    _runs: int = 0

    def __post_init__(self) -> None:
        source = self.system.source(self.kind)
        write_project(self.folder, source=source, convert="{format: csv}" if "file" in source else "{format: json}")
        document = self.folder / "include/configs/sources/prices.yaml"
        lookback = f", lookback: {self.kind.lookback}" if self.lookback else ""
        head, _, _ = document.read_text().partition("  contract:")
        document.write_text(
            head.replace("  convert: {format: json}\n", "" if "sql" in source else "  convert: {format: json}\n")
            + f"  incremental: {{field: at{lookback}}}\n"
            + "  contract:\n    columns:\n"
            + f'      - {{name: at, type: "{self.kind.type}"}}\n'
            + "      - {name: rest, type: text}\n"
            + "  overrides:\n"
            + "    quality: {report: false, maxNullShare: 1, maxDuplicateShare: 1, minScore: 0, minRows: 0}\n"
            + "    retry: {delay: 0s}\n"
            + "    security: {allowPrivateNetwork: true, allowPlaintext: true, allowPlaintextReason: for tests}\n"
            + "    changes: {detect: [sha256]}\n"
        )

    def add(self, rows: Sequence[Row]) -> None:
        """Deliver more records."""
        self.system.add(rows)
        self._pending.extend(rows)

    def run(self) -> None:
        """Take the increment; the dataset must hold what the model says, each record as often as it was delivered."""
        self._runs += 1
        services = self._services()
        services.state.upgrade()
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), "prices-workflow")
        run = RunKey(workflow="prices-workflow", run_id=f"run-{self._runs}", run_after=DAY)
        outcome = Ingest(plan=plan, run=run, services=services, flags=Flags(), report=self._tell)()
        assert outcome.status in ("succeeded", "skipped"), self.told
        self._model()
        assert self.stored() == self.expected

    def stored(self) -> Counter[Row]:
        """What the dataset holds, cursors as their worth."""
        folder = dataset_folder(self._services().places, "prices")
        if not folder.exists():
            return Counter()
        table = open_snapshot(folder).to_table()
        return Counter((row["at"], row["rest"]) for row in table.to_pylist())

    def _model(self) -> None:
        for at, rest in self._pending:
            worth = None if at is None else self.kind.worth(at)
            floor = self._mark if self._mark is None or not self.lookback else self.kind.lowered(self._mark)
            if worth is None or floor is None or worth >= floor:
                self.expected[(worth, rest)] += 1
        worths = [self.kind.worth(at) for at, _ in self._pending if at is not None]
        self._mark = max([*worths, *([] if self._mark is None else [self._mark])], default=None)
        self._pending = []

    def _tell(self, unit: Unit, ending: object) -> None:
        if not isinstance(ending, StepResult):
            self.told.append(f"{unit.step}: {ending}")

    def _services(self) -> Services:
        (self.folder / ".finport").mkdir(exist_ok=True)
        return Services.of(Project(self.folder))

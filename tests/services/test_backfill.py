"""A window of an incremental source taken again: corrections arrive, nothing stands twice, the mark stays."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.perform import Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import SOURCE, WORKFLOW, write_project

JANUARY = {"backfill_from": "2026-01-01", "backfill_until": "2026-02-01T00:00:00+00:00"}
"""Also as Airflow writes the end of an interval."""


@dataclass
class Deployment:
    """One growing file, stored by key, or only appended."""

    folder: Path
    told: list[str] = field(default_factory=list)

    def deliver(self, name: str, *lines: str) -> None:
        (self.folder / "drop" / name).write_text("isin,date,price\n" + "".join(f"{line}\n" for line in lines))

    def run(self, run_id: str, **flags: str) -> Outcome:
        services = self.services()
        services.state.upgrade()
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)
        key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=datetime(2026, 3, 1, tzinfo=UTC))
        return Ingest(plan=plan, run=key, services=services, flags=Flags(**flags), report=self._tell)()  # type: ignore[arg-type]

    def mark(self) -> str | None:
        watermark = self.services().state.watermark(SOURCE, SOURCE)
        return watermark.value if watermark else None

    def services(self) -> Services:
        (self.folder / ".finport").mkdir(exist_ok=True)
        return Services.of(Project(self.folder))

    def _tell(self, unit: Unit, ending: object) -> None:
        if not isinstance(ending, StepResult):
            self.told.append(f"{unit.step}: {ending}")


def deployed(folder: Path, store: str, *, incremental: bool = True) -> Deployment:
    write_project(folder, store=store)
    document = folder / "include/configs/sources/prices.yaml"
    text = document.read_text()
    document.write_text(
        text.replace("  contract:", "  incremental: {field: date}\n  contract:") if incremental else text
    )
    for path in (folder / "drop").glob("*.csv"):
        path.unlink()
    return Deployment(folder)


@pytest.fixture
def upserted(postgresql_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgresql_database.replace("postgresql+psycopg://", "postgres://"))
    return deployed(tmp_path / "project", "{storage: sql, connection: warehouse, table: prices, mode: upsert}")


def stored(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        rows = connection.execute('SELECT date::text, price::text FROM prices ORDER BY "date"').fetchall()
    return [(str(day), str(price)) for day, price in rows]


def test_a_backfill_brings_corrections_and_leaves_the_mark(upserted: Deployment, postgresql_database: str) -> None:
    lines = [f"XS1,2026-{month:02d}-10,{month}.0" for month in (1, 2)]
    upserted.deliver("prices.csv", *lines)
    assert upserted.run("run-1").status == "succeeded", upserted.told
    # The vendor corrects January, where an increment does not look any more.
    upserted.deliver("prices.csv", "XS1,2026-01-10,1.5", "XS1,2026-01-11,1.75", lines[1])
    assert upserted.run("run-2").status == "skipped"
    for run_id in ("run-3", "run-4"):
        assert upserted.run(run_id, **JANUARY).status == "succeeded", upserted.told
        assert stored(postgresql_database) == [
            ("2026-01-10", "1.5000"),
            ("2026-01-11", "1.7500"),
            ("2026-02-10", "2.0000"),
        ]
        assert upserted.mark() == "2026-02-10"
    # The next increment begins where the last one ended.
    upserted.deliver("prices.csv", "XS1,2026-01-10,9.0", lines[1], "XS1,2026-02-11,2.5")
    assert upserted.run("run-5").status == "succeeded", upserted.told
    assert stored(postgresql_database)[0] == ("2026-01-10", "1.5000")
    assert upserted.mark() == "2026-02-11"


def test_a_backfill_is_refused_where_records_would_stand_twice(tmp_path: Path) -> None:
    appended = deployed(tmp_path / "project", "{storage: parquet}")
    appended.deliver("prices.csv", "XS1,2026-01-10,1.0")
    assert appended.run("run-1", **JANUARY).status == "failed"
    assert "publish records twice" in appended.told[-1]
    assert "mode: upsert" in appended.told[-1]


def test_a_source_without_a_cursor_has_no_window(tmp_path: Path) -> None:
    whole = deployed(tmp_path / "project", "{storage: parquet}", incremental=False)
    whole.deliver("prices.csv", "XS1,2026-01-10,1.0")
    assert whole.run("run-1", **JANUARY).status == "failed"
    assert "only an incremental source" in json.dumps(whole.told)

"""The store step: what it publishes, what it reports, and how it is taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import PermanentError, Skipped, SourceMovedOn
from finport_ingestion.engine.files import Places, write_bytes
from finport_ingestion.engine.records import Fingerprint, Manifest, Replaces, Watermark
from finport_ingestion.engine.step import Flags, Publishing, RunKey, StepContext
from finport_ingestion.engine.store.read import dataset_folder, open_snapshot
from finport_ingestion.engine.store.step import StoreStep
from finport_ingestion.engine.workflow.plan import Plan
from tests.conformance.storages.delivery import RUN_AFTER, Deliveries, price

MONDAY, TUESDAY = price("AAPL", 5, "1.0000"), price("AAPL", 6, "2.0000")
STEP = {"agent": "base-data-storage", "timeout": "10m", "retries": 1}
PLAN = Plan.model_validate(
    {
        "workflow": "nightly",
        "description": "Nightly.",
        "owner": "market-data",
        "schedule": {},
        "timeout": "2h",
        "steps": [
            {**STEP, "name": "validate", "action": "validate_data_quality"},
            {
                **STEP,
                "name": "store",
                "action": "store_validated_data",
                "dependsOn": ["validate"],
                "overrides": {"store": {"storage": "parquet", "partitionBy": ["symbol"]}},
            },
        ],
        "sources": [
            {
                "name": "exchange",
                "description": "Prices.",
                "owner": "market-data",
                "source": {"protocol": "file", "path": "/in"},
                "dataset": "prices",
                "contract": {},
                "settings": {},
            }
        ],
    }
)


@dataclasses.dataclass(frozen=True)
class Mark:
    """A memory of one watermark."""

    mark: Watermark | None = None

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        return {}

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        return self.mark

    def published_at(self, source: str, dataset: str) -> datetime | None:
        return None

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        return None


def _context(places: Places, run: str = "run-1", *, memory: Mark | None = None, **flags: Any) -> StepContext:
    clock = SystemClock()
    return StepContext(
        plan=PLAN,
        source=PLAN.source("exchange"),
        step=PLAN.step("store"),
        run=RunKey(workflow="nightly", run_id=run, run_after=RUN_AFTER),
        batch=None,
        deadline=Deadline.after(600, clock=clock),
        places=places,
        connections=EnvironmentConnections({}),
        memory=memory or Mark(),
        clock=clock,
        flags=Flags(**flags),
    )


def _staged(context: StepContext, manifest: Manifest) -> StepContext:
    write_bytes(context.folder("staging", "validate") / "manifest.json", manifest.to_json())
    return context


def _rows(places: Places) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = open_snapshot(dataset_folder(places, "prices")).to_table().to_pylist()
    return sorted(rows, key=repr)


def test_it_publishes_the_manifest_before_it_and_reports(places: Places, deliveries: Deliveries, folder: Path) -> None:
    request = deliveries.request({"a": [MONDAY, TUESDAY]})

    result = StoreStep().run(_staged(_context(places), request.manifest))

    assert (result.items, result.rows_passed, result.place) == (1, 2, "store/prices")
    assert result.publication is not None
    assert (result.publication.run_id, result.publication.commit) == ("nightly/run-1", "1")
    assert _rows(places) == [MONDAY, TUESDAY]
    assert (folder / "data" / "symbol=AAPL").is_dir()
    assert isinstance(StoreStep(), Publishing)


def test_repeated_it_finds_what_is_there(places: Places, deliveries: Deliveries) -> None:
    StoreStep().run(_staged(_context(places), deliveries.request({"a": [MONDAY]}).manifest))
    later = deliveries.request({"a": [MONDAY]}, run="run-2")

    result = StoreStep().run(_staged(_context(places, "run-2"), later.manifest))

    assert result.publication is not None
    assert result.publication.already_there
    assert result.notes == ("already published by run nightly/run-1 (commit 1); nothing was written",)


def test_a_forced_run_writes_the_same_items_again(places: Places, deliveries: Deliveries) -> None:
    StoreStep().run(_staged(_context(places), deliveries.request({"a": [MONDAY]}).manifest))
    later = deliveries.request({"a": [MONDAY]}, run="run-2")

    result = StoreStep().run(_staged(_context(places, "run-2", force_run_all=True), later.manifest))

    assert result.publication is not None
    assert not result.publication.already_there
    assert _rows(places) == [MONDAY]


def test_a_dry_run_writes_nothing(places: Places, deliveries: Deliveries, folder: Path) -> None:
    staged = _staged(_context(places, dry_run=True), deliveries.request({"a": [MONDAY]}).manifest)
    with pytest.raises(Skipped, match=r"dry run.*store/prices"):
        StoreStep().run(staged)
    assert not folder.exists()


def test_without_a_manifest_it_says_what_to_do(places: Places) -> None:
    with pytest.raises(PermanentError, match="start the run again"):
        StoreStep().run(_context(places))


def test_the_manifest_knows_better_than_memory_where_an_increment_began(places: Places, deliveries: Deliveries) -> None:
    first = deliveries.request({"q": [MONDAY]}, replaces=Replaces.NOTHING, watermark="5")
    StoreStep().run(_staged(_context(places), first.manifest))
    second = deliveries.request({"q": [TUESDAY]}, run="run-2", replaces=Replaces.NOTHING, watermark="6").manifest
    stands = Mark(Watermark(field="day", value="5", type="date"))

    overlapping = dataclasses.replace(second, facts={"based_on": None})
    with pytest.raises(SourceMovedOn):
        StoreStep().run(_staged(_context(places, "run-2", memory=stands), overlapping))
    StoreStep().run(_staged(_context(places, "run-2", memory=stands), second))

    assert _rows(places) == [MONDAY, TUESDAY]


def test_a_replay_comes_on_top_wherever_the_source_stands(places: Places, deliveries: Deliveries) -> None:
    first = deliveries.request({"q": [MONDAY]}, replaces=Replaces.NOTHING, watermark="5")
    StoreStep().run(_staged(_context(places), first.manifest))
    repaired = deliveries.request({"release-1": [TUESDAY]}, run="run-2", replaces=Replaces.NOTHING).manifest
    staged = dataclasses.replace(repaired, facts={"based_on": None})

    StoreStep().run(_staged(_context(places, "run-2", replay_of="release-1"), staged))

    assert _rows(places) == [MONDAY, TUESDAY]


def test_compensation_takes_back_what_this_run_published(places: Places, deliveries: Deliveries) -> None:
    StoreStep().run(_staged(_context(places), deliveries.request({"a": [MONDAY]}).manifest))
    context = _staged(_context(places, "run-2"), deliveries.request({"a": [TUESDAY]}, run="run-2").manifest)
    StoreStep().run(context)
    assert StoreStep().find(context) is not None

    assert "is taken back" in StoreStep().compensate(context)
    assert "has published nothing" in StoreStep().compensate(context)

    assert StoreStep().find(context) is None
    assert _rows(places) == [MONDAY]

"""A delivery that lies converted in staging, and its validate step, on real files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.files import Places, sha256_of, write_bytes
from finport_ingestion.engine.records import PART_COLUMN, ROW_COLUMN, Fingerprint, Manifest, Part, Replaces, Watermark
from finport_ingestion.engine.step import Flags, RunKey, StepContext
from finport_ingestion.engine.validate.step import ValidateStep
from finport_ingestion.engine.workflow.plan import Plan

NO_FLAGS = Flags()
LANDED = "landing/prices-daily/prices/run-1/{name}.csv"


class NoMemory:
    """A source that never ran before."""

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        return {}

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        return None

    def published_at(self, source: str, dataset: str) -> datetime | None:
        return None

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        return None


@dataclass
class Delivery:
    """Parts of one source in staging; `check` runs the step on them."""

    root: Path
    contract: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    rejected_before: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    replaces: Replaces = Replaces.ITEMS
    watermark: Watermark | None = None
    seconds: float = 600

    @property
    def places(self) -> Places:
        return Places(UPath(self.root))

    def add(self, table: pa.Table, *, row_group_size: int = 1000) -> Part:
        """One more staged part; rows are numbered from 1 in their landed part."""
        number = len(self.parts)
        landed = LANDED.format(name=f"item-{number}")
        lineage = pa.table(
            {
                PART_COLUMN: pa.repeat(pa.scalar(landed), len(table)),
                ROW_COLUMN: pa.array(range(1, len(table) + 1), pa.int64()),
            }
        )
        for name in lineage.column_names:
            table = table.append_column(name, lineage[name])
        path = self.places.at(f"staging/prices-daily/prices/run-1/convert/{number:04d}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, str(path), row_group_size=row_group_size)
        part = Part(
            uri=self.places.relative(path),
            format="parquet",
            size_bytes=path.stat().st_size,
            sha256=sha256_of(path),
            item=f"item-{number}",
            sequence=0,
            row_count=len(table),
            made_from=(landed,),
        )
        self.parts.append(part)
        return part

    def context(self, flags: Flags = NO_FLAGS) -> StepContext:
        plan = Plan.model_validate(_plan(self.contract, self.quality))
        clock = SystemClock()
        return StepContext(
            plan=plan,
            source=plan.source("prices"),
            step=plan.step("validate"),
            run=RunKey(workflow="prices-daily", run_id="run-1", run_after=datetime(2026, 1, 2, tzinfo=UTC)),
            batch=None,
            deadline=Deadline.after(self.seconds, clock=clock),
            places=self.places,
            connections=EnvironmentConnections({}),
            memory=NoMemory(),
            clock=clock,
            flags=flags,
        )

    def check(self, flags: Flags = NO_FLAGS) -> Checked:
        """Run the step; raises what it raises."""
        context = self.context(flags)
        rejects = Part(
            uri="quarantine/prices-daily/prices/run-1/convert.parquet",
            format="parquet",
            size_bytes=1,
            sha256="0" * 64,
            item="",
            sequence=0,
            row_count=self.rejected_before,
        )
        upstream = context.manifest(
            step="convert",
            replaces=self.replaces,
            parts=tuple(self.parts),
            rejects=(rejects,) if self.rejected_before else (),
            items=(Fingerprint(item="item-0", sha256="1" * 64),),
            watermark=self.watermark,
            facts=self.facts,
        )
        write_bytes(context.folder("staging", "convert") / "manifest.json", upstream.to_json())
        result = ValidateStep().run(context)
        manifest = Manifest.from_json((context.folder("staging") / "manifest.json").read_bytes())
        return Checked(self, result, manifest)

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.root / "reports/prices-daily/prices/run-1/quality.json").read_text())
        return report

    @property
    def page(self) -> str:
        return (self.root / "reports/prices-daily/prices/run-1/index.html").read_text()

    def rejects(self) -> list[dict[str, Any]]:
        path = self.root / "quarantine/prices-daily/prices/run-1/validate.parquet"
        return pq.read_table(path).to_pylist() if path.exists() else []

    def files(self) -> dict[str, bytes]:
        """Everything that the step wrote, by uri."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and "/convert/" not in str(path)
        }


@dataclass
class Checked:
    """What came of a run of the step."""

    delivery: Delivery
    result: Any
    manifest: Manifest

    def passed(self) -> pa.Table:
        """The rows that go on, in order, with lineage."""
        return pa.concat_tables([pq.read_table(str(self.delivery.places.at(part.uri))) for part in self.manifest.parts])

    def rule(self, type_: str, column: str = "") -> dict[str, Any]:
        """The facts of one rule."""
        rules: list[dict[str, Any]] = self.manifest.facts["rules"]
        return next(rule for rule in rules if rule["id"].startswith(f"{type_}({column}"))


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """Nothing yet; without Data Docs, which cost the import of Great Expectations."""
    return Delivery(tmp_path, quality={"report": False, "mask": "none"})


def quotes(rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Rows of (symbol, day, close, volume) as staged columns."""
    schema = pa.schema(
        [
            ("symbol", pa.string()),
            ("day", pa.date32()),
            ("close", pa.decimal128(18, 4)),
            ("volume", pa.int64()),
        ]
    )
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def _plan(contract: Mapping[str, Any], quality: Mapping[str, Any]) -> dict[str, Any]:
    step = {"agent": "a", "action": "b", "timeout": "5m", "retries": 2}
    return {
        "workflow": "prices-daily",
        "description": "d",
        "owner": "o",
        "schedule": {},
        "timeout": "60m",
        "steps": [
            {"name": "convert", **step},
            {"name": "validate", **step, "dependsOn": ["convert"]},
        ],
        "sources": [
            {
                "name": "prices",
                "description": "d",
                "owner": "o",
                "source": {"protocol": "file", "path": "/nowhere"},
                "dataset": "prices",
                "contract": dict(contract),
                "settings": {"quality": dict(quality)},
            }
        ],
    }

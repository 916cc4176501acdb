"""A run of one source in a folder: land bytes, convert them as a driver does, read what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.convert.step import ConvertStep
from finport_ingestion.engine.files import Places, write_bytes
from finport_ingestion.engine.records import Fingerprint, Manifest, Part, Replaces, StepResult, Watermark
from finport_ingestion.engine.step import Flags, RunKey, StepContext
from finport_ingestion.engine.workflow.plan import Plan


@dataclass
class Marks:
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


@dataclass
class Delivered:
    """One landed part: its bytes, and what collect knew of it."""

    content: bytes
    suffix: str = ".csv"
    format: str = "raw"
    media_type: str | None = None
    item: str = "prices"


@dataclass
class Deployment:
    """Everything that a conversion needs, below one folder."""

    root: Path
    convert: Mapping[str, Any] | None = None
    contract: Mapping[str, Any] = field(default_factory=dict)
    incremental: Mapping[str, Any] | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str | None = None
    parallel: int = 4
    memory: Marks = field(default_factory=Marks)
    flags: Flags = field(default_factory=Flags)
    run_id: str = "manual__1"

    @property
    def plan(self) -> Plan:
        source: dict[str, Any] = {
            "name": "prices",
            "description": "Prices.",
            "owner": "market-data",
            "source": {"protocol": "file", "path": "/in"},
            "dataset": "prices",
            "contract": dict(self.contract),
            "settings": {"quality": dict(self.quality)},
            "timeZone": self.time_zone,
        }
        source |= {"convert": dict(self.convert)} if self.convert else {}
        source |= {"incremental": dict(self.incremental)} if self.incremental else {}
        step = {"agent": "converter", "action": "convert_to_standard_format", "timeout": "10m", "retries": 1}
        collect = {"name": "collect", "agent": "collector", "action": "collect", "timeout": "10m", "retries": 1}
        return Plan.model_validate(
            {
                "workflow": "daily",
                "description": "Daily.",
                "owner": "market-data",
                "schedule": {},
                "timeout": "2h",
                "steps": [collect, {**step, "name": "convert", "parallel": self.parallel, "dependsOn": ["collect"]}],
                "sources": [source],
            }
        )

    def context(self, *, step: str = "convert", batch: int | None = None) -> StepContext:
        plan, clock = self.plan, SystemClock()
        return StepContext(
            plan=plan,
            source=plan.sources[0],
            step=plan.step(step),
            run=RunKey(workflow="daily", run_id=self.run_id, run_after=datetime(2026, 1, 2, tzinfo=UTC)),
            batch=batch,
            deadline=Deadline.after(600, clock=clock),
            places=Places(UPath(self.root)),
            connections=EnvironmentConnections({}),
            memory=self.memory,
            clock=clock,
            flags=self.flags,
        )

    def land(self, *deliveries: Delivered | bytes, facts: Mapping[str, Any] | None = None) -> Manifest:
        """Write landed parts and collect's manifest."""
        collect = self.context(step="collect")
        parts: list[Part] = []
        for sequence, found in enumerate(deliveries):
            delivered = found if isinstance(found, Delivered) else Delivered(found)
            path = collect.folder("landing") / f"{sequence:05d}{delivered.suffix}"
            write_bytes(path, delivered.content)
            part = Part(
                uri=collect.places.relative(path),
                format=delivered.format,
                size_bytes=len(delivered.content),
                sha256=hashlib.sha256(delivered.content).hexdigest(),
                item=delivered.item,
                sequence=sequence,
                media_type=delivered.media_type,
            )
            parts.append(part)
        manifest = collect.manifest(
            replaces=Replaces.ITEMS,
            parts=tuple(parts),
            items=(Fingerprint(item="prices", sha256="0" * 64),),
            facts=dict(facts or {}),
        )
        collect.write_manifest(manifest)
        return manifest

    def split(self) -> StepResult:
        return ConvertStep().split(self.context())

    def work(self, batch: int) -> StepResult:
        return ConvertStep().work(self.context(batch=batch))

    def seal(self) -> StepResult:
        return ConvertStep().seal(self.context())

    def run(self, *deliveries: Delivered | bytes, facts: Mapping[str, Any] | None = None) -> Converted:
        """Land and convert, all phases."""
        self.land(*deliveries, facts=facts)
        for batch in range(self.split().batches or 0):
            self.work(batch)
        return self.sealed()

    def sealed(self) -> Converted:
        """Seal what the batches have left."""
        result = self.seal()
        path = self.context().folder("staging") / "manifest.json"
        return Converted(root=self.root, manifest=Manifest.from_json(path.read_bytes()), result=result)


@dataclass
class Converted:
    """What a conversion left."""

    root: Path
    manifest: Manifest
    result: StepResult

    @property
    def tables(self) -> list[pa.Table]:
        return [pq.read_table(self.root / part.uri) for part in self.manifest.parts]

    @property
    def table(self) -> pa.Table:
        """All parts as one; raises where their schemas differ."""
        return pa.concat_tables(self.tables)

    def column(self, name: str) -> list[Any]:
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    @property
    def types(self) -> dict[str, str]:
        return {column["name"]: column["type"] for column in self.manifest.facts["schema"]}

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return [row for part in self.manifest.rejects for row in pq.read_table(self.root / part.uri).to_pylist()]

    def rows(self, *names: str) -> Sequence[tuple[Any, ...]]:
        return list(zip(*(self.column(name) for name in names), strict=True))

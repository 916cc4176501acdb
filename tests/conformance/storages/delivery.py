"""Manifests with real staged parts, as the steps before `store` leave them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.files import Places, sha256_of, write_atomically
from finport_ingestion.engine.records import (
    PART_COLUMN,
    ROW_COLUMN,
    Fingerprint,
    Manifest,
    Part,
    Replaces,
    Watermark,
)
from finport_ingestion.engine.step import safe_name
from finport_ingestion.engine.store.interface import PublishRequest, Storage

RUN_AFTER = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SCHEMA = pa.schema([("symbol", pa.string()), ("day", pa.date32()), ("close", pa.decimal128(18, 4))])

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Stages rows of one dataset and asks for their publication."""

    places: Places
    dataset: str = "prices"
    schema: pa.Schema = field(default_factory=lambda: SCHEMA)

    def request(
        self,
        items: Mapping[str, Rows],
        *,
        source: str = "exchange",
        run: str = "run-1",
        replaces: Replaces = Replaces.ITEMS,
        watermark: str | None = None,
        based_on: str | None = None,
        again: bool = False,
        schema: pa.Schema | None = None,
        run_after: datetime = RUN_AFTER,
    ) -> PublishRequest:
        """Stage `items` (rows by item id), one part each, and ask for them."""
        tables = {item: pa.Table.from_pylist(list(rows), schema or self.schema) for item, rows in items.items()}
        manifest = self.manifest(tables, source=source, run=run, replaces=replaces, watermark=watermark)
        return PublishRequest(manifest=manifest, run_after=run_after, based_on=based_on, again=again)

    def manifest(
        self,
        tables: Mapping[str, pa.Table],
        *,
        source: str = "exchange",
        run: str = "run-1",
        replaces: Replaces = Replaces.ITEMS,
        watermark: str | None = None,
    ) -> Manifest:
        """Stage a table an item; the item's fingerprint is that of its values, whatever the run."""
        parts = [self._part(item, table, source=source, run=run) for item, table in tables.items()]
        return Manifest(
            workflow="nightly",
            source=source,
            dataset=self.dataset,
            run_id=run,
            step="validate",
            plan="0" * 64,
            package="0.1.0",
            replaces=replaces,
            parts=tuple(parts),
            items=tuple(
                Fingerprint(item=item, sha256=digest(table), size_bytes=table.nbytes, modified_at=RUN_AFTER)
                for item, table in tables.items()
            ),
            watermark=Watermark(field="day", value=watermark, type="date") if watermark else None,
        )

    def _part(self, item: str, table: pa.Table, *, source: str, run: str) -> Part:
        uri = f"staging/nightly/{source}/{safe_name(run)}/validate/{safe_name(item)}.parquet"
        landed = f"landing/nightly/{source}/{safe_name(run)}/{safe_name(item)}"
        lineage = {
            PART_COLUMN: pa.array([landed] * table.num_rows, pa.string()),
            ROW_COLUMN: pa.array(range(1, table.num_rows + 1), pa.int64()),
        }
        for name, column in lineage.items():
            table = table.append_column(name, column)
        path = self.places.at(uri)
        with write_atomically(path) as file:
            pq.write_table(table, file)
        return Part(
            uri=uri,
            format="parquet",
            size_bytes=path.stat().st_size,
            sha256=sha256_of(path),
            item=item,
            sequence=0,
            row_count=table.num_rows,
        )


def digest(table: pa.Table) -> str:
    """Of the values: equal tables have equal digests."""
    return hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()


def price(symbol: str | None, day: int, close: str | None) -> dict[str, Any]:
    """One row: a symbol's close on a day of January 2026."""
    return {
        "symbol": symbol,
        "day": date(2026, 1, day),
        "close": None if close is None else Decimal(close),
    }


def contents(storage: Storage, columns: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    """All rows, sorted: storages promise no common order."""
    rows = [tuple(row.values()) for row in storage.read(columns).to_pylist()]
    return sorted(rows, key=repr)


def values(*rows: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What `contents` gives for these rows."""
    return sorted((tuple(row.values()) for row in rows), key=repr)

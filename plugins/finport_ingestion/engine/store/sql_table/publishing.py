"""Publish into a table: COPY into staging, then replace, insert and log under a lock, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError, ContractBroken
from finport_ingestion.engine.records import Publication
from finport_ingestion.engine.store.decision import already_there, identities, replaced, watermark_of
from finport_ingestion.engine.store.interface import Opening, PublishRequest
from finport_ingestion.engine.store.parts import batches, parts_by_item, schema_of, verify
from finport_ingestion.engine.store.sql_table import columns
from finport_ingestion.engine.store.sql_table.catalog import Catalog, fingerprint_of
from finport_ingestion.engine.store.sql_table.connecting import connected
from finport_ingestion.engine.store.sql_table.copying import STAGING, copy, make_staging
from finport_ingestion.engine.store.sql_table.moving import Moves, Naming
from finport_ingestion.engine.store.sql_table.names import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlDataset:
    """One dataset in one table. `key` is empty when records are only appended."""

    opening: Opening
    connection: ConnectionSpec
    table: TableName
    key: tuple[str, ...]
    version: str | None = None

    @property
    def naming(self) -> Naming:
        return Naming(self.key, self.version)

    def connect(self) -> AbstractContextManager[psycopg.Connection]:
        return connected(self.connection, deadline=self.opening.deadline)

    def catalog(self, connection: psycopg.Connection) -> Catalog:
        return Catalog(connection, self.table, self.opening.dataset)


def publish(dataset: SqlDataset, request: PublishRequest) -> Publication:
    """See `Storage.publish`."""
    with dataset.connect() as connection:
        catalog = dataset.catalog(connection)
        catalog.prepare()
        # Asked twice: without the lock, so that nothing is copied in vain, and with it, when the answer counts.
        if found := _found(catalog, request):
            return found
        connection.commit()
        schema = _stage(connection, dataset, request)
        catalog.lock()
        return _found(catalog, request) or _merge(catalog, dataset, request, schema)


def _found(catalog: Catalog, request: PublishRequest) -> Publication | None:
    """The publication that makes this one needless."""
    manifest = request.manifest
    current = catalog.current(manifest.source)
    if not already_there(request, current):
        return None
    asked = identities(manifest.items)
    same = [row for row in catalog.visible(manifest.source) if (row["item"], row["sha256"]) in asked]
    last = max((row["commit_id"] for row in same), default=0)
    runs = {commit.id: commit.run_id for commit in catalog.commits(manifest.source)}
    return Publication(
        source=manifest.source,
        dataset=manifest.dataset,
        storage="sql",
        commit=str(last),
        run_id=runs.get(last, manifest.run_id),
        row_count=sum(row["row_count"] for row in same),
        items=tuple(fingerprint_of(row) for row in same),
        replaces=manifest.replaces,
        watermark=current.watermark,
        already_there=True,
    )


def _stage(connection: psycopg.Connection, dataset: SqlDataset, request: PublishRequest) -> pa.Schema:
    """Copy all rows of the manifest; the schema they have in PostgreSQL."""
    manifest, opening = request.manifest, dataset.opening
    verify(manifest, places=opening.places, deadline=opening.deadline)
    delivered = schema_of(manifest, places=opening.places, lineage=True)
    schema = columns.stored(delivered)
    make_staging(connection, schema)
    for number, (_, parts) in enumerate(parts_by_item(manifest)):
        rows = _watched(batches(parts, places=opening.places, schema=delivered), opening)
        copy(connection, rows, schema=schema, number=number)
    if dataset.key and manifest.parts:
        _check_keys(connection, dataset, schema)
    return schema


def _watched(rows: Iterator[pa.RecordBatch], opening: Opening) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        opening.deadline.check()
        yield batch
        opening.progress.advance(rows=batch.num_rows)


def _check_keys(connection: psycopg.Connection, dataset: SqlDataset, schema: pa.Schema) -> None:
    name = dataset.opening.dataset
    for column in (*dataset.key, *([dataset.version] if dataset.version else [])):
        if column not in schema.names:
            raise ConfigError(
                f"{name}: the contract's key or version names column '{column}', which the data has not.",
                hint=f"name one of {', '.join(schema.names)}",
            )
    absent = sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(sql.Identifier(column)) for column in dataset.key)
    found = connection.execute(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(STAGING, absent)).fetchone()
    if found and found[0]:
        raise ContractBroken(
            f"{name}: {found[0]} records have no key ({', '.join(dataset.key)}), so they cannot be upserted.",
            hint="say 'nullable: false' for the key's columns in the contract: such records go to quarantine",
        )


def _merge(catalog: Catalog, dataset: SqlDataset, request: PublishRequest, schema: pa.Schema) -> Publication:
    """Everything that others may have to wait for."""
    manifest, connection = request.manifest, catalog.connection
    watermark = watermark_of(request, catalog.current(manifest.source))
    table = columns.existing(connection, dataset.table)
    if len(schema):
        table = columns.prepared(connection, dataset.table, schema, dataset=manifest.dataset)
        columns.prepare_key(connection, dataset.table, dataset.key)
    commit = catalog.add_commit(request, watermark)
    count = 0
    replaced_items = _replaced(catalog, request)
    catalog.run(
        "UPDATE {items} SET replaced_by = %(commit)s WHERE item_id = ANY(%(ids)s)", commit=commit, ids=replaced_items
    )
    ids = catalog.add_items(commit, manifest.items)
    if table is not None:
        moves = Moves(connection, table, manifest.source, commit)
        moves.retire_items(replaced_items)
        counts = moves.insert(ids, schema=schema, naming=dataset.naming)
        for item, rows in counts.items():
            catalog.run("UPDATE {items} SET row_count = %(rows)s WHERE item_id = %(item)s", rows=rows, item=item)
        count = sum(counts.values())
    catalog.run("UPDATE {commits} SET row_count = %(rows)s WHERE commit_id = %(commit)s", rows=count, commit=commit)
    return Publication(
        source=manifest.source,
        dataset=manifest.dataset,
        storage="sql",
        commit=str(commit),
        run_id=manifest.run_id,
        row_count=count,
        items=manifest.items,
        replaces=manifest.replaces,
        watermark=watermark,
    )


def _replaced(catalog: Catalog, request: PublishRequest) -> list[int]:
    """The items whose place the request takes."""
    manifest = request.manifest
    newer = {item.item: item.sha256 for item in manifest.items}
    visible = catalog.visible(manifest.source)
    return [row["item_id"] for row in visible if replaced(fingerprint_of(row), by=manifest.replaces, newer=newer)]

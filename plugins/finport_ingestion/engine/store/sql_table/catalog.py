"""The commit log of a schema's datasets: `finport_commits`, and what each commit brought in `finport_items`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from finport_ingestion.engine.records import Fingerprint, Publication, Replaces, Watermark
from finport_ingestion.engine.store.decision import Current
from finport_ingestion.engine.store.interface import PublishRequest
from finport_ingestion.engine.store.sql_table.names import REPLACED_COLUMN, TableName

_COMMITS = """
CREATE TABLE IF NOT EXISTS {commits} (
    commit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    table_name text NOT NULL,
    workflow text NOT NULL,
    source text NOT NULL,
    run_id text NOT NULL,
    replaces text NOT NULL,
    row_count bigint NOT NULL DEFAULT 0,
    watermark text,
    committed_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retracted boolean NOT NULL DEFAULT false,
    settled boolean NOT NULL DEFAULT false
)
"""
_ITEMS = """
CREATE TABLE IF NOT EXISTS {items} (
    item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    commit_id bigint NOT NULL REFERENCES {commits} ON DELETE CASCADE,
    item text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint,
    modified_at timestamptz,
    etag text,
    record_count bigint,
    row_count bigint NOT NULL DEFAULT 0,
    replaced_by bigint
)
"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS finport_commits_run ON {commits} (table_name, dataset, source, run_id)",
    "CREATE INDEX IF NOT EXISTS finport_items_commit ON {items} (commit_id)",
    "CREATE INDEX IF NOT EXISTS finport_items_item ON {items} (item, sha256)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCommit:
    """One commit that was not taken back."""

    id: int
    source: str
    run_id: str
    replaces: Replaces
    row_count: int
    watermark: Watermark | None
    settled: bool  # what it replaced has expired


@dataclass(frozen=True, slots=True)
class Catalog:
    """The log of one dataset in one table, over a connection in a transaction."""

    connection: psycopg.Connection
    table: TableName
    dataset: str

    def exists(self) -> bool:
        return self._regclass("finport_items") and self._regclass("finport_commits")

    def prepare(self) -> None:
        """Make schema and tables where they are missing."""
        if self.exists():
            return
        # IF NOT EXISTS alone lets two transactions make the same table, and one fail.
        self._lock(f"finport:{self.table.schema}")
        found = self.connection.execute("SELECT to_regnamespace(quote_ident(%s))", (self.table.schema,)).fetchone()
        if found is None or found[0] is None:
            self.connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.table.schema)))
        for statement in (_COMMITS, _ITEMS, *_INDEXES):
            self._run(statement)

    def lock(self) -> None:
        """Wait until nobody else writes to the table; kept until the transaction ends."""
        self._lock(f"finport:{self.table.text}")

    def commits(self, source: str | None = None) -> list[LoggedCommit]:
        """Those that were not taken back, oldest first."""
        rows = self._rows(
            """
            SELECT commit_id, source, run_id, replaces, row_count, watermark, settled FROM {commits}
            WHERE table_name = %(table)s AND dataset = %(dataset)s AND NOT retracted
            AND (source = %(source)s OR %(source)s::text IS NULL) ORDER BY commit_id
            """,
            source=source,
        )
        return [
            LoggedCommit(
                id=row["commit_id"],
                source=row["source"],
                run_id=row["run_id"],
                replaces=Replaces(row["replaces"]),
                row_count=row["row_count"],
                watermark=_watermark(row["watermark"]),
                settled=row["settled"],
            )
            for row in rows
        ]

    def watermark(self, source: str) -> Watermark | None:
        """Where the source stands."""
        moves = [each for each in self.commits(source) if each.watermark or each.replaces is Replaces.SOURCE]
        return moves[-1].watermark if moves else None

    def current(self, source: str) -> Current:
        """What is published of the source now."""
        items = frozenset((row["item"], row["sha256"]) for row in self.visible(source))
        return Current(items=items, watermark=self.watermark(source))

    def visible(self, source: str) -> list[dict[str, Any]]:
        """The items of the source that nothing has replaced, oldest first."""
        return self._rows(
            """
            SELECT i.* FROM {items} i JOIN {commits} c USING (commit_id)
            WHERE c.table_name = %(table)s AND c.dataset = %(dataset)s AND c.source = %(source)s
            AND NOT c.retracted AND i.replaced_by IS NULL ORDER BY i.item_id
            """,
            source=source,
        )

    def publications(self, source: str | None = None) -> list[Publication]:
        """Every commit that was not taken back, oldest first."""
        commits = self.commits(source)
        items: dict[int, list[Fingerprint]] = {commit.id: [] for commit in commits}
        statement = "SELECT * FROM {items} WHERE commit_id = ANY(%(commits)s) ORDER BY item_id"
        for row in self._rows(statement, commits=list(items)):
            items[row["commit_id"]].append(fingerprint_of(row))
        return [
            Publication(
                source=commit.source,
                dataset=self.dataset,
                storage="sql",
                commit=str(commit.id),
                run_id=commit.run_id,
                row_count=commit.row_count,
                items=tuple(items[commit.id]),
                replaces=commit.replaces,
                watermark=commit.watermark,
            )
            for commit in commits
        ]

    def add_commit(self, request: PublishRequest, watermark: Watermark | None) -> int:
        """Log a commit; its id."""
        manifest = request.manifest
        row = self._rows(
            """
            INSERT INTO {commits} (dataset, table_name, workflow, source, run_id, replaces, watermark, committed_at)
            VALUES (%(dataset)s, %(table)s, %(workflow)s, %(source)s, %(run)s, %(replaces)s, %(mark)s, %(at)s)
            RETURNING commit_id
            """,
            workflow=manifest.workflow,
            source=manifest.source,
            run=manifest.run_id,
            replaces=str(manifest.replaces),
            mark=json.dumps(dataclasses.asdict(watermark)) if watermark else None,
            at=request.run_after,
        )
        commit: int = row[0]["commit_id"]
        return commit

    def add_items(self, commit: int, items: Sequence[Fingerprint]) -> list[int]:
        """Log what a commit brings; the ids, in the same order."""
        ids = []
        for item in items:
            row = self._rows(
                """
                INSERT INTO {items} (commit_id, item, sha256, size_bytes, modified_at, etag, record_count)
                VALUES (%(commit)s, %(item)s, %(sha256)s, %(size)s, %(modified)s, %(etag)s, %(records)s)
                RETURNING item_id
                """,
                commit=commit,
                item=item.item,
                sha256=item.sha256,
                size=item.size_bytes,
                modified=item.modified_at,
                etag=item.etag,
                records=item.record_count,
            )
            ids.append(row[0]["item_id"])
        return ids

    def run(self, statement: str, **values: Any) -> int:
        """Run a statement over the log's tables; the number of rows."""
        return self._run(statement, **values).rowcount

    def run_ids(self, statement: str, **values: Any) -> list[int]:
        """The first column of what a query over the log's tables gives."""
        return [row[0] for row in self._run(statement, **values).fetchall()]

    def _rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(self._composed(statement), self._values(values)).fetchall()

    def _run(self, statement: str, **values: Any) -> psycopg.Cursor:
        return self.connection.execute(self._composed(statement), self._values(values))

    def _composed(self, statement: str) -> sql.Composed:
        # The statements are literals of this package; names enter them as identifiers, values as parameters.
        return sql.SQL(statement).format(
            commits=self.table.commits,
            items=self.table.items,
            history=self.table.history,
            replaced=sql.Identifier(REPLACED_COLUMN),
        )

    def _values(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"table": self.table.table, "dataset": self.dataset, **values}

    def _lock(self, name: str) -> None:
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))

    def _regclass(self, name: str) -> bool:
        found = self.connection.execute(
            "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))", (self.table.schema, name)
        ).fetchone()
        return found is not None and found[0] is not None


def fingerprint_of(row: dict[str, Any]) -> Fingerprint:
    """An item as the ledger knows it."""
    return Fingerprint(
        item=row["item"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        modified_at=row["modified_at"],
        etag=row["etag"],
        record_count=row["record_count"],
    )


def _watermark(text: str | None) -> Watermark | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Watermark(**{**fields, "ties": tuple(fields["ties"])})

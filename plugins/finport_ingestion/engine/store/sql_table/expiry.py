"""Give up going back: replaced rows, and log entries of which nothing is left, are deleted."""

from __future__ import annotations

from datetime import datetime

from finport_ingestion.engine.store.interface import Expired
from finport_ingestion.engine.store.sql_table import columns
from finport_ingestion.engine.store.sql_table.publishing import SqlDataset

_SETTLE = """
UPDATE {commits} SET settled = true
WHERE table_name = %(table)s AND dataset = %(dataset)s AND NOT EXISTS (
    SELECT FROM {commits} younger WHERE younger.table_name = %(table)s AND younger.dataset = %(dataset)s
    AND younger.commit_id <= {commits}.commit_id AND greatest(younger.committed_at, younger.written_at) >= %(before)s
)
"""
"""In the order of the log, so that all that a settled commit rests on is settled: a run may stand for any moment."""
_FORGET_ROWS = """
DELETE FROM {history} h USING {commits} d
WHERE h.{replaced} = d.commit_id AND d.table_name = %(table)s AND d.dataset = %(dataset)s AND d.settled
"""
_FORGET_ITEMS = """
DELETE FROM {items} i USING {commits} d
WHERE i.replaced_by = d.commit_id AND d.table_name = %(table)s AND d.dataset = %(dataset)s AND d.settled
"""
_FORGET_COMMITS = """
DELETE FROM {commits} c WHERE table_name = %(table)s AND dataset = %(dataset)s AND settled AND (
    retracted OR (
        NOT EXISTS (SELECT FROM {items} i WHERE i.commit_id = c.commit_id)
        AND EXISTS (
            SELECT FROM {commits} d WHERE d.table_name = c.table_name AND d.dataset = c.dataset
            AND d.source = c.source AND NOT d.retracted AND d.commit_id > c.commit_id
            AND (d.replaces = 'source' OR d.watermark IS NOT NULL OR c.watermark IS NULL)
        )
    )
)
"""
"""A commit that says where its source stands stays, also when all it brought was replaced."""


def expire(dataset: SqlDataset, *, before: datetime, dry_run: bool) -> Expired:
    """See `Storage.expire`."""
    with dataset.connect() as connection:
        catalog = dataset.catalog(connection)
        table = columns.existing(connection, dataset.table) if catalog.exists() else None
        if table is None:
            return Expired()
        catalog.lock()
        catalog.run(_SETTLE, before=before)
        rows = catalog.run(_FORGET_ROWS)
        catalog.run(_FORGET_ITEMS)
        commits = catalog.run(_FORGET_COMMITS)
        if dry_run:
            connection.rollback()
        return Expired(snapshots=commits, rows=rows)

"""Take back the commits of a run: their rows go, what they replaced returns, unless a later commit replaces it too."""

from __future__ import annotations

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.store.decision import check_retractable
from finport_ingestion.engine.store.sql_table import columns
from finport_ingestion.engine.store.sql_table.catalog import LoggedCommit
from finport_ingestion.engine.store.sql_table.moving import Moves
from finport_ingestion.engine.store.sql_table.publishing import SqlDataset

_HAND_OVER_ITEMS = """
UPDATE {items} AS old SET replaced_by = (
    SELECT min(d.commit_id) FROM {commits} d
    WHERE d.table_name = %(table)s AND d.dataset = %(dataset)s AND d.source = %(source)s
    AND NOT d.retracted AND d.commit_id > %(commit)s AND (
        d.replaces = 'source' OR EXISTS (
            SELECT FROM {items} x WHERE x.commit_id = d.commit_id AND x.item = old.item
            AND (d.replaces = 'items' OR x.sha256 = old.sha256)
        )
    )
) WHERE replaced_by = %(commit)s
"""
"""The same rule as `decision.replaced`."""


def retract(dataset: SqlDataset, *, source: str, run_id: str) -> bool:
    """See `Storage.retract`."""
    with dataset.connect() as connection:
        catalog = dataset.catalog(connection)
        if not catalog.exists():
            return False
        catalog.lock()
        log = catalog.commits(source)
        targets = [commit for commit in log if commit.run_id == run_id]
        _check(log, targets, source=source, run_id=run_id)
        table = columns.existing(connection, dataset.table)
        # The latest first: what it gives back may be what the one before it brought.
        for target in reversed(targets):
            items = catalog.run_ids("SELECT item_id FROM {items} WHERE commit_id = %(commit)s", commit=target.id)
            catalog.run("UPDATE {commits} SET retracted = true WHERE commit_id = %(commit)s", commit=target.id)
            catalog.run(_HAND_OVER_ITEMS, source=source, commit=target.id)
            if table is not None:
                moves = Moves(connection, table, source, target.id)
                moves.remove(items)
                moves.hand_over(dataset.naming)
                moves.restore(dataset.naming)
            catalog.run("DELETE FROM {items} WHERE commit_id = %(commit)s", commit=target.id)
        return bool(targets)


def _check(log: list[LoggedCommit], targets: list[LoggedCommit], *, source: str, run_id: str) -> None:
    counting = [commit for commit in log if commit not in targets]
    for target in targets:
        if target.settled:
            raise PermanentError(
                f"{source}: what run {run_id} published cannot be taken back, since what it replaced has expired.",
                hint="publish the source again from a landed run: 'finport replay RUN'",
            )
        later = [(each.run_id, each.replaces, each.watermark) for each in counting if each.id > target.id]
        check_retractable(source=source, run_id=run_id, watermark=target.watermark, later=later)

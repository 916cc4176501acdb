"""What is published: a row a publication, and the fingerprints and watermark that follow from them.

The rows are derived from the commit logs of the stores, which are the truth: `rebuild` makes them again from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.records import Fingerprint, Publication, Replaces, Watermark
from finport_ingestion.engine.state.database import matches, upsert
from finport_ingestion.engine.state.tables import FINGERPRINTS, PUBLICATIONS, UPDATES, WATERMARKS


@dataclasses.dataclass(slots=True, kw_only=True)
class Standing:
    """What holds after some publications: each item's fingerprint, the watermark, and which publication gave them."""

    items: dict[str, tuple[Fingerprint, int]] = dataclasses.field(default_factory=dict)
    watermark: tuple[Watermark, int] | None = None

    def add(self, publication: Publication, row_id: int) -> None:
        """One more publication, later than all before it."""
        if publication.replaces == Replaces.SOURCE:
            self.items, self.watermark = {}, None
        self.items.update({item.item: (item, row_id) for item in publication.items})
        if publication.watermark is not None:
            self.watermark = publication.watermark, row_id


def record(connection: Connection, publication: Publication, *, provides: Sequence[str], now: datetime) -> bool:
    """Enter a publication and what follows from it; False when it stands there already."""
    pair = {"source": publication.source, "dataset": publication.dataset}
    commit = {**pair, "storage": publication.storage, "commit_id": publication.commit}
    run_id = connection.execute(sa.select(PUBLICATIONS.c.run_id).where(matches(PUBLICATIONS, commit))).scalar()
    if run_id == publication.run_id or (publication.already_there and (run_id is not None or not publication.items)):
        return False
    if run_id is not None:
        _remove_a_past_life(connection, publication)
    position, is_last = _position(connection, publication)
    row_id = _insert(connection, publication, position=position, now=now)
    names = {publication.dataset, *provides}
    upsert(connection, UPDATES, [{"publication": row_id, "name": name, "updated_at": now} for name in sorted(names)])
    if is_last and run_id is None:
        _apply(connection, publication, row_id)
    else:
        derive(connection, publication.source, publication.dataset)
    return True


def forget(connection: Connection, source: str, dataset: str, *, run_id: str) -> int:
    """Remove what a run published, so that what stood before holds again; how many publications that were."""
    pair = {"source": source, "dataset": dataset, "run_id": run_id}
    count = _remove(connection, matches(PUBLICATIONS, pair))
    if count:
        derive(connection, source, dataset)
    return count


def rebuild(connection: Connection, source: str, dataset: str, *, log: Iterable[Publication], now: datetime) -> None:
    """Make the rows of a source and dataset again from the store's commit log, oldest first.

    Times of publications that are known are kept; the log has none.
    """
    pair = {"source": source, "dataset": dataset}
    known = {(row.storage, row.commit_id): row.id for row in _rows(connection, pair)}
    left = dict(known)
    for position, publication in enumerate(log, start=1):
        row_id = left.pop((publication.storage, publication.commit), None)
        if row_id is None:
            row_id = _insert(connection, publication, position=position, now=now)
            upsert(connection, UPDATES, [{"publication": row_id, "name": dataset, "updated_at": now}])
        else:
            values = {"position": position, **_columns(publication)}
            connection.execute(sa.update(PUBLICATIONS).where(PUBLICATIONS.c.id == row_id).values(values))
    _remove(connection, PUBLICATIONS.c.id.in_(left.values()))
    derive(connection, source, dataset)


def derive(connection: Connection, source: str, dataset: str) -> None:
    """Write fingerprints and watermark anew from the publications."""
    pair = {"source": source, "dataset": dataset}
    standing = Standing()
    for row in _rows(connection, pair):
        standing.add(publication_of(row), row.id)
    for table in (FINGERPRINTS, WATERMARKS):
        connection.execute(sa.delete(table).where(matches(table, pair)))
    rows = [_fingerprint_row(pair, item, row_id) for item, row_id in standing.items.values()]
    upsert(connection, FINGERPRINTS, rows)
    if standing.watermark is not None:
        upsert(connection, WATERMARKS, [_watermark_row(pair, *standing.watermark)])


def publication_of(row: Row[Any]) -> Publication:
    """A row as the store's commit log would say it."""
    return Publication(
        source=row.source,
        dataset=row.dataset,
        storage=row.storage,
        commit=row.commit_id,
        run_id=row.run_id,
        row_count=row.row_count,
        items=tuple(_fingerprint(fields) for fields in row.items),
        replaces=Replaces(row.replaces),
        watermark=watermark_of(row.watermark) if row.watermark else None,
    )


def items_as_json(items: Iterable[Fingerprint]) -> list[dict[str, Any]]:
    """Fingerprints as a column of publications holds them."""
    return [
        {**dataclasses.asdict(item), "modified_at": item.modified_at.isoformat() if item.modified_at else None}
        for item in items
    ]


def watermark_of(fields: dict[str, Any]) -> Watermark:
    """A watermark out of its column."""
    return Watermark(**{**fields, "ties": tuple(fields["ties"])})


def _apply(connection: Connection, publication: Publication, row_id: int) -> None:
    """What one more publication, the last, changes."""
    pair = {"source": publication.source, "dataset": publication.dataset}
    if publication.replaces == Replaces.SOURCE:
        for table in (FINGERPRINTS, WATERMARKS):
            connection.execute(sa.delete(table).where(matches(table, pair)))
    upsert(connection, FINGERPRINTS, [_fingerprint_row(pair, item, row_id) for item in publication.items])
    if publication.watermark is not None:
        upsert(connection, WATERMARKS, [_watermark_row(pair, publication.watermark, row_id)])


def _position(connection: Connection, publication: Publication) -> tuple[int, bool]:
    """Where a new publication stands among the others, and whether that is the end.

    What a run stored and could not enter at once may be entered after later commits of the same storage: it stands
    before them, and they move on.
    """
    later = _from_commit_on(connection, publication)
    pair = {"source": publication.source, "dataset": publication.dataset}
    if later:
        behind = sa.and_(matches(PUBLICATIONS, pair), PUBLICATIONS.c.position >= later[0].position)
        moved = {"position": PUBLICATIONS.c.position + 1}
        connection.execute(sa.update(PUBLICATIONS).where(behind).values(moved))
        return later[0].position, False
    last = connection.execute(sa.select(sa.func.max(PUBLICATIONS.c.position)).where(matches(PUBLICATIONS, pair)))
    return int(last.scalar() or 0) + 1, True


def _remove_a_past_life(connection: Connection, publication: Publication) -> None:
    """Another run has this commit's number: the store was emptied and counts anew, so what it counted then is gone."""
    gone = [row.id for row in _from_commit_on(connection, publication)]
    _remove(connection, PUBLICATIONS.c.id.in_(gone))


def _from_commit_on(connection: Connection, publication: Publication) -> list[Row[Any, Any, Any]]:
    """The rows of the same storage whose commits have this number or a higher one, in order."""
    storage = {"source": publication.source, "dataset": publication.dataset, "storage": publication.storage}
    rows = connection.execute(
        sa.select(PUBLICATIONS.c.id, PUBLICATIONS.c.position, PUBLICATIONS.c.commit_id)
        .where(matches(PUBLICATIONS, storage))
        .order_by(PUBLICATIONS.c.position)
    ).all()
    own = publication.commit
    return [row for row in rows if row.commit_id == own or _number(row.commit_id) >= _number(own) >= 0]


def _number(commit: str) -> int:
    """What storages count commits by; -1 where they name them otherwise."""
    return int(commit) if commit.isdigit() else -1


def _insert(connection: Connection, publication: Publication, *, position: int, now: datetime) -> int:
    values = {
        "source": publication.source,
        "dataset": publication.dataset,
        "storage": publication.storage,
        "commit_id": publication.commit,
        "position": position,
        "published_at": now,
        **_columns(publication),
    }
    inserted = sa.insert(PUBLICATIONS).values(values).returning(PUBLICATIONS.c.id)
    return int(connection.execute(inserted).scalar_one())


def _columns(publication: Publication) -> dict[str, Any]:
    return {
        "run_id": publication.run_id,
        "row_count": publication.row_count,
        "replaces": str(publication.replaces),
        "items": items_as_json(publication.items),
        "watermark": dataclasses.asdict(publication.watermark) if publication.watermark else None,
    }


def _rows(connection: Connection, pair: dict[str, Any]) -> Sequence[Row[Any]]:
    query = sa.select(PUBLICATIONS).where(matches(PUBLICATIONS, pair)).order_by(PUBLICATIONS.c.position)
    return connection.execute(query).all()


def _remove(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    doomed = sa.select(PUBLICATIONS.c.id).where(condition)
    connection.execute(sa.delete(UPDATES).where(UPDATES.c.publication.in_(doomed)))
    return connection.execute(sa.delete(PUBLICATIONS).where(condition)).rowcount


def _fingerprint(fields: dict[str, Any]) -> Fingerprint:
    modified = fields["modified_at"]
    return Fingerprint(**{**fields, "modified_at": datetime.fromisoformat(modified) if modified else None})


def _fingerprint_row(pair: dict[str, Any], item: Fingerprint, row_id: int) -> dict[str, Any]:
    return {**pair, **dataclasses.asdict(item), "publication": row_id}


def _watermark_row(pair: dict[str, Any], watermark: Watermark, row_id: int) -> dict[str, Any]:
    return {**pair, "watermark": dataclasses.asdict(watermark), "publication": row_id}

"""What a step may ask about earlier publications."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.records import Fingerprint, Watermark
from finport_ingestion.engine.state.database import matches
from finport_ingestion.engine.state.publications import watermark_of
from finport_ingestion.engine.state.tables import FINGERPRINTS, PUBLICATIONS, UPDATES, WATERMARKS


def fingerprints(connection: Connection, source: str, dataset: str) -> dict[str, Fingerprint]:
    """What is published now, by item id."""
    pair = {"source": source, "dataset": dataset}
    rows = connection.execute(sa.select(FINGERPRINTS).where(matches(FINGERPRINTS, pair)).order_by(FINGERPRINTS.c.item))
    return {
        row.item: Fingerprint(
            item=row.item,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            modified_at=row.modified_at,
            etag=row.etag,
            record_count=row.record_count,
        )
        for row in rows
    }


def watermark(connection: Connection, source: str, dataset: str) -> Watermark | None:
    """Where the last publication of the source stands."""
    pair = {"source": source, "dataset": dataset}
    fields = connection.execute(sa.select(WATERMARKS.c.watermark).where(matches(WATERMARKS, pair))).scalar()
    return watermark_of(fields) if fields else None


def published_at(connection: Connection, source: str, dataset: str) -> datetime | None:
    """When the source last published into the dataset."""
    pair = {"source": source, "dataset": dataset}
    query = sa.select(sa.func.max(PUBLICATIONS.c.published_at)).where(matches(PUBLICATIONS, pair))
    moment: datetime | None = connection.execute(query).scalar()
    return moment


def updated_at(connection: Connection, name: str) -> datetime | None:
    """When any source last published into the dataset or asset called so."""
    query = sa.select(sa.func.max(UPDATES.c.updated_at)).where(UPDATES.c.name == name)
    moment: datetime | None = connection.execute(query).scalar()
    return moment

"""Small values that a step keeps over its tries; they go with the run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.database import matches, upsert
from finport_ingestion.engine.state.keys import StepKey
from finport_ingestion.engine.state.tables import CHECKPOINTS


def save(connection: Connection, step: StepKey, name: str, *, value: Any, now: datetime) -> None:
    """Keep `value` (of plain JSON) under `name`."""
    upsert(connection, CHECKPOINTS, [{**step.columns(), "name": name, "value": value, "saved_at": now}])


def load(connection: Connection, step: StepKey, name: str) -> Any:
    """What was kept last, or None."""
    key = {**step.columns(), "name": name}
    return connection.execute(sa.select(CHECKPOINTS.c.value).where(matches(CHECKPOINTS, key))).scalar()

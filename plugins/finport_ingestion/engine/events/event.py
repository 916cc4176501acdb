"""Facts about runs as CloudEvents 1.0: small, without values of records, each with an id that a repetition shares."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import RunKey

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://finport.io/events")
_TEXT_CHARACTERS = 2000
_SCHEMA_CHARACTERS = 64_000
_RESULT_FACTS = ("manifest", "items", "rows_read", "rows_passed", "rows_quarantined", "size_bytes", "score", "place")

Facts = Mapping[str, str | int | float | bool | None]
"""What an event says: counts, places, reasons. Never a value of a record, never a secret."""


class EventType(StrEnum):
    """The facts that are told."""

    COLLECTION_STARTED = "io.finport.collection_started"
    COLLECTION_COMPLETED = "io.finport.collection_completed"
    COLLECTION_FAILED = "io.finport.collection_failed"
    SCHEMA_INFERRED = "io.finport.schema_inferred"
    FORMAT_CONVERTED = "io.finport.format_converted"
    MERGE_COMPLETED = "io.finport.merge_completed"
    WORKFLOW_STARTED = "io.finport.ingestion.workflow.started"
    WORKFLOW_COMPLETED = "io.finport.ingestion.workflow.completed"
    WORKFLOW_FAILED = "io.finport.ingestion.workflow.failed"
    AGENT_HEALTH = "io.finport.ingestion.agent.health"
    CIRCUIT_OPENED = "io.finport.api.circuit_opened"
    CIRCUIT_TRIED = "io.finport.api.circuit_half_opened"
    CIRCUIT_CLOSED = "io.finport.api.circuit_closed"
    LIMITER_LOST = "io.finport.api.limiter_lost"
    LIMITER_BACK = "io.finport.api.limiter_back"
    QUOTA_USED = "io.finport.api.quota_used"
    SOURCE_UNHEALTHY = "io.finport.api.source_unhealthy"
    SOURCE_HEALTHY = "io.finport.api.source_healthy"
    SOURCE_SWITCHED = "io.finport.source_switched"
    SOURCE_RETURNED = "io.finport.source_returned"
    DATASET_STALE = "io.finport.dataset_stale"
    PROTECTION_LOWERED = "io.finport.protection_lowered"
    AUTHENTICATED = "io.finport.authentication.succeeded"
    ACCESS_REFUSED = "io.finport.authentication.refused"
    TOKEN_OBTAINED = "io.finport.authentication.token_obtained"  # noqa: S105 - the name of a fact
    CREDENTIALS_ROTATED = "io.finport.authentication.credentials_rotated"

    @staticmethod
    def named(name: str) -> EventType:
        """The type by its name without prefix, as the registry of actions writes it (`collection_started`)."""
        return EventType(f"io.finport.{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What in a run an event tells of. `batch` and `try_number` are set where each of them is a fact of its own."""

    run: RunKey
    source: str | None = None  # None: of the whole run
    dataset: str | None = None
    step: str | None = None
    batch: int | None = None
    try_number: int | None = None

    @property
    def uri(self) -> str:
        """CloudEvents' `source`."""
        return "/".join(filter(None, (f"finport://{self.run.workflow}", self.source)))

    @property
    def subject(self) -> str:
        """What events are kept in order by: the dataset, or the workflow."""
        return self.dataset or self.run.workflow

    def id_of(self, event_type: EventType) -> str:
        """The same for the same fact, however often it is told."""
        where = (self.run.workflow, self.run.run_id, self.source, self.dataset)
        return str(uuid.uuid5(_NAMESPACE, json.dumps([event_type, *where, self.step, self.batch, self.try_number])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One CloudEvent, and which relays shall send it (which is not part of it)."""

    id: str
    type: EventType
    source: str
    subject: str
    time: datetime
    facts: Facts = field(default_factory=dict)
    schema: str | None = None  # JSON, of `schema_inferred`
    relays: tuple[str, ...] = ("log",)

    @staticmethod
    def of(
        event_type: EventType,
        occasion: Occasion,
        *,
        at: datetime,
        facts: Facts | None = None,
        schema: str | None = None,
        relays: tuple[str, ...] = ("log",),
    ) -> Event:
        """The event of that type on that occasion."""
        return Event(
            id=occasion.id_of(event_type),
            type=event_type,
            source=occasion.uri,
            subject=occasion.subject,
            time=at,
            facts={
                "workflow": occasion.run.workflow,
                "run_id": occasion.run.run_id,
                **_of_step(occasion),
                **(facts or {}),
            },
            schema=schema,
            relays=relays,
        )

    @staticmethod
    def of_agent(agent: str, status: str, *, at: datetime, relays: tuple[str, ...] = ("log",)) -> Event:
        """An agent's health, which belongs to no run: each moment is a fact of its own."""
        source = f"finport://agents/{agent}"
        return Event(
            id=str(uuid.uuid5(_NAMESPACE, json.dumps([EventType.AGENT_HEALTH, agent, status, _moment(at)]))),
            type=EventType.AGENT_HEALTH,
            source=source,
            subject=agent,
            time=at,
            facts={"agent": agent, "status": status},
            relays=relays,
        )

    @staticmethod
    def of_api(
        event_type: EventType,
        source: str,
        *,
        at: datetime,
        facts: Facts,
        run: RunKey | None = None,
        once_for: str | None = None,
        relays: tuple[str, ...] = ("log",),
    ) -> Event:
        """A change of an API, or of who serves a source: each moment is a fact of its own.

        Args:
            once_for: What makes it the same fact however often it is told, instead of the moment.
        """
        name = json.dumps([event_type, source, once_for or _moment(at)])
        told = {"workflow": run.workflow, "run_id": run.run_id} if run else {}
        return Event(
            id=str(uuid.uuid5(_NAMESPACE, name)),
            type=event_type,
            source=f"finport://sources/{source}",
            subject=source,
            time=at,
            facts={"source": source, **told, **facts},
            relays=relays,
        )

    def to_json(self) -> bytes:
        """CloudEvents 1.0 in structured JSON, canonical."""
        document = {
            "specversion": "1.0",
            "id": self.id,
            "type": str(self.type),
            "source": self.source,
            "subject": self.subject,
            "time": _moment(self.time),
            "datacontenttype": "application/json",
            "data": self._content(),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {name: _short(value) for name, value in self.facts.items() if value is not None}
        if self.schema is not None and len(self.schema) <= _SCHEMA_CHARACTERS:
            content["schema"] = json.loads(self.schema)
        return content


def facts_of(result: StepResult) -> dict[str, str | int | float | bool | None]:
    """The numbers and places that a step reported; its notes stay in the ledger."""
    return {name: getattr(result, name) for name in _RESULT_FACTS}


def _of_step(occasion: Occasion) -> dict[str, str | int | None]:
    parts = ("source", "dataset", "step", "batch", "try_number")
    return {name: getattr(occasion, name) for name in parts}


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > _TEXT_CHARACTERS:
        return value[:_TEXT_CHARACTERS] + "…"
    if not isinstance(value, str | int | float):
        raise TypeError(f"an event holds texts and numbers, no {type(value).__name__}")
    return value


def _moment(at: datetime) -> str:
    """RFC 3339, UTC."""
    if at.tzinfo is None:
        raise ValueError("the time of an event is aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

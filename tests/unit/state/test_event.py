"""What an event says, and by which id it is known."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import ConfigError, MissingConnection, UnknownPlugin
from finport_ingestion.engine.events.event import Event, EventType, Occasion, facts_of
from finport_ingestion.engine.events.registry import RELAYS, open_relays
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import DATASET, MONDAY, SOURCE, event, open_run, publication, run_key


def told(**changes: object) -> Event:
    fields: dict[str, object] = {"run": run_key(), "source": SOURCE, "dataset": DATASET, "step": "collect"}
    return Event.of(EventType.COLLECTION_COMPLETED, Occasion(**{**fields, **changes}), at=MONDAY)  # type: ignore[arg-type]


def test_an_event_is_a_cloudevent() -> None:
    result = StepResult(items=2, rows_read=10, size_bytes=99, notes=("a sentence",), publication=publication())
    occasion = Occasion(run=run_key(), source=SOURCE, dataset=DATASET, step="collect")
    made = Event.of(EventType.COLLECTION_COMPLETED, occasion, at=MONDAY, facts=facts_of(result))
    assert json.loads(made.to_json()) == {
        "specversion": "1.0",
        "id": made.id,
        "type": "io.finport.collection_completed",
        "source": "finport://nightly/custodian",
        "subject": "positions",
        "time": "2026-01-05T06:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {
            "workflow": "nightly",
            "run_id": "run-1",
            "source": "custodian",
            "dataset": "positions",
            "step": "collect",
            "items": 2,
            "rows_read": 10,
            "rows_passed": 0,
            "rows_quarantined": 0,
            "size_bytes": 99,
        },
    }


def test_the_same_fact_has_the_same_id_and_another_fact_another() -> None:
    assert told().id == told().id
    others = [
        told(run=run_key("run-2")),
        told(run=run_key(workflow="hourly")),
        told(source="vendor"),
        told(step="convert"),
        told(batch=0),
        told(try_number=1),
        Event.of(EventType.COLLECTION_STARTED, Occasion(run=run_key(), source=SOURCE, step="collect"), at=MONDAY),
    ]
    assert len({told().id, *(other.id for other in others)}) == 8


def test_ids_do_not_change_with_the_version_of_this_package() -> None:
    assert told().id == "0ee0e1de-c343-52e8-9f5f-aae503071361"


def test_the_same_event_is_the_same_bytes_in_every_time_zone() -> None:
    berlin = MONDAY.astimezone(timezone(timedelta(hours=1)))
    assert replace(told(), time=berlin).to_json() == told().to_json()


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        replace(told(), time=datetime(2026, 1, 5)).to_json()  # noqa: DTZ001


def test_an_event_of_a_run_has_the_workflow_as_its_subject() -> None:
    made = Event.of(EventType.WORKFLOW_STARTED, Occasion(run=run_key()), at=MONDAY)
    assert (made.source, made.subject) == ("finport://nightly", "nightly")
    assert made.type == "io.finport.ingestion.workflow.started"


def test_an_agents_health_is_a_fact_of_its_moment() -> None:
    healthy = Event.of_agent("collector", "healthy", at=MONDAY)
    assert (healthy.source, healthy.subject) == ("finport://agents/collector", "collector")
    assert healthy.id != Event.of_agent("collector", "healthy", at=MONDAY + timedelta(seconds=30)).id


def test_an_inferred_schema_is_told_as_it_is() -> None:
    occasion = Occasion(run=run_key(), source=SOURCE, dataset=DATASET)
    made = Event.of(EventType.SCHEMA_INFERRED, occasion, at=MONDAY, schema='{"columns": [{"name": "isin"}]}')
    assert json.loads(made.to_json())["data"]["schema"] == {"columns": [{"name": "isin"}]}
    wide = replace(made, schema=json.dumps(["x" * 70_000]))
    assert "schema" not in json.loads(wide.to_json())["data"]


def test_facts_are_small() -> None:
    long = replace(told(), facts={"reason": "x" * 9000, "score": None})
    assert json.loads(long.to_json())["data"] == {"reason": "x" * 2000 + "…"}
    with pytest.raises(TypeError, match="no list"):
        replace(told(), facts={"rows": [1, 2]}).to_json()  # type: ignore[dict-item]


def test_types_are_named_as_the_actions_announce_them() -> None:
    assert EventType.named("collection_failed") is EventType.COLLECTION_FAILED
    assert all(str(kind).startswith("io.finport.") for kind in EventType)


def test_the_log_relay_writes_a_line_of_json(state: State, caplog: pytest.LogCaptureFixture) -> None:
    run = open_run(state)
    one = event(run)
    state.announce([one], run)
    with caplog.at_level(logging.INFO, logger="finport.events"):
        relay_pending(state, open_relays(["log", "log"], EnvironmentConnections({})))
    assert [
        (record.name, json.loads(record.getMessage())["id"])
        for record in caplog.records
        if record.name == "finport.events"
    ] == [("finport.events", one.id)]


def test_a_relay_that_is_not_known_or_not_connected_is_refused() -> None:
    with pytest.raises(UnknownPlugin, match="redis_streams"):
        open_relays(["redis_stream"], EnvironmentConnections({}))
    with pytest.raises(MissingConnection, match="finport_redis"):
        open_relays(["redis_streams"], EnvironmentConnections({}))
    wrong = '{"conn_type": "redis", "extra": {"max_length": "many"}}'
    with pytest.raises(ConfigError, match="max_length"):
        open_relays(["redis_streams"], EnvironmentConnections({"AIRFLOW_CONN_FINPORT_REDIS": wrong}))


def test_every_relay_can_be_loaded() -> None:
    assert RELAYS.names() == ("log", "redis_streams")
    assert all(hasattr(RELAYS.get(name), "send") for name in RELAYS)

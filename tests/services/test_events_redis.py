"""Events into a real Redis Stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import AccessDenied, PermanentError
from finport_ingestion.engine.events.registry import open_relays
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.events.relays.redis_streams import RedisStreamsRelay
from finport_ingestion.engine.state.state import State
from tests.services.plugin import StartService
from tests.services.redis_server import SERVICE
from tests.unit.state.fixtures import clock, state
from tests.unit.state.parts import event, open_run

__all__ = ["clock", "state"]

RELAYS = ("redis_streams",)


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """A state on SQLite."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    State(url, SystemClock()).upgrade()
    return url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def spec(url: str, **changes: object) -> ConnectionSpec:
    address = urlsplit(url)
    fields: dict[str, object] = {
        "id": "finport_redis",
        "kind": "redis",
        "host": address.hostname,
        "port": address.port,
        "schema": "0",
        "secret": lambda: address.password,
    }
    return ConnectionSpec(**{**fields, **changes})  # type: ignore[arg-type]


def entries_of(client: redis.Redis) -> list[dict[str, str]]:
    """The fields of the stream's entries, oldest first."""
    found: Any = client.xrange("finport.events")
    return [fields for _, fields in found]


def test_what_waits_in_the_outbox_stands_in_the_stream_in_order(
    state: State, client: redis.Redis, redis_url: str
) -> None:
    run = open_run(state)
    events = [event(run, batch=number, relays=RELAYS) for number in range(120)]
    state.announce(events, run)
    relays = open_relays(RELAYS, EnvironmentConnections({"AIRFLOW_CONN_FINPORT_REDIS": redis_url}))
    assert relay_pending(state, relays).sent == {"redis_streams": 120}
    entries = entries_of(client)
    assert [fields["id"] for fields in entries] == [one.id for one in events]
    assert entries[0] == {
        "id": events[0].id,
        "type": "io.finport.collection_started",
        "source": "finport://nightly/custodian",
        "subject": "positions",
        "event": events[0].to_json().decode(),
    }
    assert json.loads(entries[0]["event"])["specversion"] == "1.0"
    assert state.backlog() == {}


def test_a_consumer_group_gets_each_event(state: State, client: redis.Redis, redis_url: str) -> None:
    client.xgroup_create("finport.events", "quality", id="0", mkstream=True)
    run = open_run(state)
    state.announce([event(run, relays=RELAYS)], run)
    relay_pending(state, {"redis_streams": RedisStreamsRelay(spec(redis_url))})
    found: Any = client.xreadgroup("quality", "reader-1", {"finport.events": ">"})
    ((_, entries),) = found
    assert [fields["id"] for _, fields in entries] == [event(run).id]


def test_a_stream_keeps_about_as_many_events_as_asked(state: State, client: redis.Redis, redis_url: str) -> None:
    run = open_run(state)
    state.announce([event(run, batch=number, relays=RELAYS) for number in range(600)], run)
    document = {"conn_type": "redis", "host": "127.0.0.1", "port": urlsplit(redis_url).port}
    extra = {"stream": "other.events", "max_length": 200}
    secret = {"password": urlsplit(redis_url).password, "extra": extra}
    variable = json.dumps({**document, **secret})
    relays = open_relays(RELAYS, EnvironmentConnections({"AIRFLOW_CONN_FINPORT_REDIS": variable}))
    assert relay_pending(state, relays).failed == {}
    assert 200 <= client.xlen("other.events") < 400
    assert client.exists("finport.events") == 0


def test_events_survive_a_redis_that_goes_away(state: State, own_service: StartService) -> None:
    run = open_run(state)
    server = own_service(SERVICE)
    relay = RedisStreamsRelay(spec(server.url))
    state.announce([event(run, batch=1, relays=RELAYS)], run)
    assert relay_pending(state, {"redis_streams": relay}).sent == {"redis_streams": 1}
    server.process.kill()
    state.announce([event(run, batch=2, relays=RELAYS)], run)
    report = relay_pending(state, {"redis_streams": relay})
    assert report.sent == {"redis_streams": 0}
    assert "does not take events now" in report.failed["redis_streams"]
    assert server.password not in report.failed["redis_streams"]
    again = own_service(SERVICE)
    assert relay_pending(state, {"redis_streams": RedisStreamsRelay(spec(again.url))}).sent == {"redis_streams": 1}
    with redis.Redis.from_url(again.url, decode_responses=True) as client:
        assert [fields["id"] for fields in entries_of(client)] == [event(run, batch=2).id]


def test_a_wrong_password_is_told_and_nothing_is_lost(state: State, redis_url: str) -> None:
    relay = RedisStreamsRelay(spec(redis_url, secret=lambda: "wrong"))
    run = open_run(state)
    state.announce([event(run, relays=RELAYS)], run)
    assert "refuses the login" in relay_pending(state, {"redis_streams": relay}).failed["redis_streams"]
    assert state.backlog() == {"redis_streams": 1}
    with pytest.raises(AccessDenied):
        relay.send(state.claim_events("redis_streams", 1))


def test_a_key_that_is_no_stream_is_told(state: State, client: redis.Redis, redis_url: str) -> None:
    client.set("finport.events", "in the way")
    run = open_run(state)
    state.announce([event(run, relays=RELAYS)], run)
    with pytest.raises(PermanentError, match=r"is 'finport.events' a stream"):
        RedisStreamsRelay(spec(redis_url)).send(state.claim_events("redis_streams", 1))

"""What is known of the APIs: checks, requests, sessions, who serves, lowered protections; and what `clean` removes."""

from __future__ import annotations

from datetime import timedelta

from finport_ingestion.engine.events.event import Event, EventType
from finport_ingestion.engine.resilience.requests import Requests
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.checks import Check
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.served import Service
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import DATASET, MONDAY, SOURCE, HandClock, open_run, run_key


def check(minute: int, *, healthy: bool = True, seconds: float = 0.5) -> Check:
    at = MONDAY + timedelta(minutes=minute)
    error = None if healthy else "SourceUnavailable"
    return Check(source=SOURCE, at=at, healthy=healthy, seconds=seconds, detail="told", error_kind=error)


def test_the_history_gives_the_share_of_good_answers_and_their_median_time(state: State) -> None:
    for minute, healthy in enumerate((True, True, False, True)):
        state.apis.record_check(check(minute, healthy=healthy, seconds=minute), lambda was: [])
    (health,) = state.apis.health(limit=4)
    assert (health.available, health.median_seconds, health.last.at) == (0.75, 1, MONDAY + timedelta(minutes=3))
    (recent,) = state.apis.health(limit=2)
    assert recent.available == 0.5


def test_a_check_knows_what_the_one_before_it_said(state: State) -> None:
    said = []
    for minute, healthy in enumerate((True, False, False)):
        said.append(state.apis.record_check(check(minute, healthy=healthy), lambda was: []))
    assert said == [None, True, False]


def test_the_requests_of_a_run_add_up_and_the_latest_run_comes_first(state: State, clock: HandClock) -> None:
    for run_id, sent in (("one", 3), ("two", 7)):
        clock.advance(minutes=1)
        for _ in range(2):
            state.apis.add_requests(run_key(run_id), Requests(source=SOURCE, sent=sent, counted=sent - 1), key="vendor")
    assert [(found.sent, found.counted) for found in state.apis.requests(SOURCE)] == [(14, 12), (6, 4)]


def test_a_session_of_a_dead_process_or_past_its_time_is_nobodys(state: State, clock: HandClock) -> None:
    half_an_hour = timedelta(minutes=30)
    assert state.apis.take_session("vendor", "a", most=1, lasts=half_an_hour)
    assert state.apis.take_session("vendor", "a", most=1, lasts=half_an_hour)
    assert not state.apis.take_session("vendor", "b", most=1, lasts=half_an_hour)
    assert state.apis.take_session("other", "b", most=1, lasts=half_an_hour)
    clock.advance(minutes=31)
    assert state.apis.take_session("vendor", "b", most=1, lasts=half_an_hour)
    state.apis.release_session("vendor", "b")
    assert state.apis.sessions("vendor") == 0


def test_a_killed_process_leaves_its_session_at_once(state: State, state_url: str) -> None:
    from finport_ingestion.engine.state import api_sessions

    gone = Actor(host=Actor.current().host, pid=2**22 - 1, process_start=Actor.current().process_start)
    with Database(state_url).write() as connection:
        until = MONDAY + timedelta(days=1)
        assert api_sessions.take(connection, "vendor", "gone", actor=gone, most=1, until=until, now=MONDAY)
    assert state.apis.take_session("vendor", "mine", most=1, lasts=timedelta(minutes=30))


def test_a_lowered_protection_is_entered_and_told_once_a_run(state: State) -> None:
    run = open_run(state)
    facts = {"measure": "allowPlaintext", "reason": "old server"}
    event = Event.of_api(EventType.PROTECTION_LOWERED, SOURCE, at=MONDAY, facts=facts, run=run)
    entered = [
        state.apis.lower(run, SOURCE, measure="allowPlaintext", reason="old server", events=[event]) for _ in range(2)
    ]
    assert entered == [True, False]
    (lowered,) = state.apis.lowered()
    assert (lowered.runs, lowered.reason) == (1, "old server")
    assert [row.type for row in state.events(run.run_id)] == ["io.finport.protection_lowered"]


def test_who_serves_is_listed_only_while_it_is_unusual(state: State) -> None:
    usual = Service(source=SOURCE, dataset=DATASET, served_by=SOURCE, since=MONDAY, stale_since=None, reason=None)
    other = Service(
        source=SOURCE, dataset=DATASET, served_by="other", since=MONDAY, stale_since=None, reason="it is down"
    )
    state.apis.set_service(other, [])
    assert state.apis.services() == [other]
    state.apis.set_service(usual, [])
    assert state.apis.services() == []
    assert state.apis.service(SOURCE, DATASET) == usual


def test_what_belongs_to_a_run_goes_with_it(state: State, clock: HandClock) -> None:
    run = open_run(state)
    state.apis.add_requests(run, Requests(source=SOURCE, sent=1), key="vendor")
    state.apis.lower(run, SOURCE, measure="allowPlaintext", reason=None, events=[])
    state.apis.take_quota("vendor", "2026-01-05", want=1, most=10)
    state.close_run(run, "succeeded")
    clock.advance(days=30)
    state.prune(clock.now())
    assert (state.apis.requests(SOURCE), state.apis.lowered(), state.apis.quota_used("vendor", "2026-01-05")) == (
        [],
        [],
        0,
    )

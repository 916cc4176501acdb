"""The state on PostgreSQL: the tests of tests/unit/state once more, and what only a server has."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.errors import AccessDenied, StateUnavailable
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.state import State
from tests.services.plugin import StartService
from tests.services.postgresql import SERVICE, PostgresqlServer
from tests.unit.state.fixtures import clock, state, wants_tables
from tests.unit.state.parts import MONDAY, HandClock, begin, open_run, step_key
from tests.unit.state.test_leases import *  # noqa: F403
from tests.unit.state.test_ledger import *  # noqa: F403
from tests.unit.state.test_outbox import *  # noqa: F403
from tests.unit.state.test_publications import *  # noqa: F403
from tests.unit.state.test_reading import *  # noqa: F403
from tests.unit.state.test_retention import *  # noqa: F403
from tests.unit.state.test_sagas import *  # noqa: F403
from tests.unit.state.test_schema import *  # noqa: F403
from tests.unit.state.test_tokens import *  # noqa: F403

__all__ = ["clock", "state"]


@pytest.fixture(scope="module")
def template(postgresql: PostgresqlServer) -> Iterator[str]:
    """A database with tables and nothing in them, to copy."""
    name = postgresql.create_database()
    State(postgresql.url(name), SystemClock()).upgrade()
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def state_url(postgresql: PostgresqlServer, template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that only this test uses; for one that does not ask for `state`, it is empty."""
    name = postgresql.create_database(template=template if wants_tables(request) else "template1")
    yield postgresql.url(name)
    postgresql.drop_database(name)


def test_a_wrong_password_is_not_tried_again(postgresql: PostgresqlServer) -> None:
    url = f"postgresql+psycopg://postgres:wrong-geheim@127.0.0.1:{postgresql.port}/postgres"
    with pytest.raises(AccessDenied, match=r"refuses: .*finport_state") as caught:
        State(url, HandClock()).check()
    assert "geheim" not in str(caught.value)


def test_a_user_without_grants_is_told(state: State, state_url: str, postgresql: PostgresqlServer) -> None:
    with Database(state_url).write() as connection:
        connection.exec_driver_sql("CREATE ROLE reader LOGIN PASSWORD 'r'")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    try:
        with pytest.raises(AccessDenied, match="permission denied"):
            open_run(State(state_url.replace(f"postgres:{postgresql.password}", "reader:r"), HandClock()))
    finally:
        with Database(state_url).write() as connection:
            connection.exec_driver_sql("DROP OWNED BY reader")
            connection.exec_driver_sql("DROP ROLE reader")


def test_a_server_that_goes_away_is_a_passing_thing(own_service: StartService) -> None:
    server = own_service(SERVICE)
    state = State(server.url(), HandClock())
    state.upgrade()
    run = open_run(state)
    server.process.kill()
    with pytest.raises(StateUnavailable, match="cannot be used now"):
        begin(state, step_key(run))


def test_a_database_that_does_not_exist_is_named(postgresql: PostgresqlServer) -> None:
    with pytest.raises(StateUnavailable, match='database "nowhere" does not exist'):
        State(postgresql.url("nowhere"), HandClock()).check()


def test_a_plain_postgresql_url_uses_the_driver_that_is_installed(state: State, state_url: str) -> None:
    State(state_url.replace("postgresql+psycopg://", "postgresql://"), HandClock()).check()


def test_no_connection_is_kept(state: State, state_url: str) -> None:
    open_run(state)
    with Database(state_url).read() as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert connection.exec_driver_sql(others).scalar() == 0


def test_writers_on_different_sources_do_not_wait_for_each_other(state: State, state_url: str) -> None:
    run = open_run(state)
    begin(state, step_key(run, source="vendor"))
    with Database(state_url).write() as connection:
        connection.exec_driver_sql("SELECT * FROM finport_leases WHERE source = 'vendor' FOR UPDATE")
        state.finish_step(begin(state, step_key(run)), StepResult())
        waiting = threading.Thread(
            target=state.finish_step, args=(step_key(run, source="vendor"), StepResult()), daemon=True
        )
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
    waiting.join()
    assert {row.source: row.status for row in state.steps("run-1")} == {"custodian": "succeeded", "vendor": "succeeded"}


def test_a_client_that_comes_while_rows_are_pruned_finds_or_makes_its_own(state: State, state_url: str) -> None:
    state.tokens.keep("old", b"sealed", after=0)
    over = threading.Event()

    def prune() -> None:
        while not over.is_set():
            State(state_url, SystemClock()).prune(MONDAY)

    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        for _ in range(100):
            claim = state.tokens.claim("client", seconds=60)
            assert claim
            state.tokens.give_back("client", claim=claim)
    finally:
        over.set()
        pruning.join()
    assert state.tokens.look("old").sealed == b"sealed"

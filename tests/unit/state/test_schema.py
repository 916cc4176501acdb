"""The tables and their version."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from finport_ingestion.engine.errors import SchemaOutdated
from finport_ingestion.engine.state import schema
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.state.tables import METADATA, VERSION_TABLE
from tests.unit.state.parts import HandClock, open_run
from tests.unit.state.worker import started, upgrade


def test_the_migrations_make_the_tables_that_the_code_works_with(state: State, state_url: str) -> None:
    with Database(state_url).read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_the_code_works_with_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(schema.migrations()).get_current_head() == schema.HEAD


def test_an_upgrade_may_be_repeated_and_keeps_what_is_there(state: State) -> None:
    open_run(state)
    state.upgrade()
    assert [run.key.run_id for run in state.runs()] == ["run-1"]


def test_an_older_database_is_refused_with_the_command(state: State, state_url: str) -> None:
    _set_version(state_url, "0000")
    with pytest.raises(SchemaOutdated, match=r"older version \(0000\).*finport db upgrade"):
        State(state_url, HandClock()).runs()


def test_a_newer_database_is_refused(state: State, state_url: str) -> None:
    _set_version(state_url, "9999")
    with pytest.raises(SchemaOutdated, match=r"version 9999.*does not know.*finport db upgrade"):
        State(state_url, HandClock()).check()


def test_a_database_without_tables_is_refused_and_can_be_upgraded(state: State, state_url: str) -> None:
    with Database(state_url).write() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text(f"DROP TABLE {VERSION_TABLE}"))
    fresh = State(state_url, HandClock())
    with pytest.raises(SchemaOutdated, match="finport db upgrade"):
        fresh.check()
    fresh.upgrade()
    fresh.check()


def test_an_upgrade_is_whole_or_not_at_all(state: State, state_url: str) -> None:
    with Database(state_url).write() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text(f"DROP TABLE {VERSION_TABLE}"))
        # In the way of the last table that the first revision makes.
        connection.execute(sa.text("CREATE TABLE finport_deliveries (anything INTEGER)"))
    with pytest.raises(Exception, match="finport_deliveries"):
        State(state_url, HandClock()).upgrade()
    with Database(state_url).read() as connection:
        assert sa.inspect(connection).get_table_names() == ["finport_deliveries"]


def test_upgrades_at_the_same_time_make_the_tables_once(state_url: str) -> None:
    with started(*[upgrade(state_url)] * 4) as processes:
        assert [process.said() for process in processes] == ["upgraded"] * 4
    State(state_url, HandClock()).check()


def _set_version(state_url: str, version: str) -> None:
    with Database(state_url).write() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"))

"""The state database when it is not as it should be."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import ConfigError, PermanentError, SchemaOutdated, StateUnavailable
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.address import state_url as url_of
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import HandClock, begin, open_run, step_key

CLOSED = "postgresql+psycopg://finport:sehr-geheim@127.0.0.1:1/state?sslmode=disable"


def test_a_file_that_is_not_there_is_refused_with_the_command_and_not_made(state_url: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaOutdated, match=r"no state database at sqlite:///.*finport db upgrade"):
        State(state_url, HandClock()).runs()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_goes_away_while_we_work_is_named(state: State, state_url: str) -> None:
    open_run(state)
    Database(state_url).file.unlink()
    with pytest.raises(SchemaOutdated, match="no state database"):
        state.runs()


def test_an_upgrade_makes_the_folder_and_a_log_that_lets_readers_read(state_url: str) -> None:
    State(state_url, HandClock()).upgrade()
    with Database(state_url).read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateUnavailable, match="cannot be made"):
        State(f"sqlite:///{tmp_path}/file/state.db", HandClock()).upgrade()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_text("isin,price\n" * 1000)
    with pytest.raises(PermanentError, match="not a SQLite database"):
        State(f"sqlite:///{file}", HandClock()).check()


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    state = State(CLOSED, HandClock())
    assert str(state) == "postgresql+psycopg://finport@127.0.0.1:1/state"
    with pytest.raises(StateUnavailable, match=r"finport@127\.0\.0\.1:1/state cannot be used now") as caught:
        state.runs()
    assert "geheim" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://user:geheim@host/db", "geheim"])
def test_an_address_that_cannot_hold_the_state_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="write sqlite:///") as caught:
        State(url, HandClock())
    assert "geheim" not in str(caught.value)


def test_a_reader_is_not_held_up_by_a_writer(state: State, state_url: str) -> None:
    open_run(state)
    with Database(state_url).write() as connection:
        connection.exec_driver_sql("DELETE FROM finport_runs")
        assert len(state.runs()) == 1


def test_writers_wait_for_each_other(state: State, state_url: str) -> None:
    run = open_run(state)
    with Database(state_url).write():
        writer = threading.Thread(target=begin, args=(state, step_key(run)))
        writer.start()
        writer.join(timeout=0.3)
        assert writer.is_alive()
    writer.join()
    assert [row.status for row in state.steps("run-1")] == ["running"]


def test_a_state_that_was_used_before_a_fork_works_on_both_sides(state: State) -> None:
    open_run(state, "before")
    child = os.fork()
    if child == 0:
        try:
            open_run(state, "in-the-child")
            os._exit(0)
        finally:
            os._exit(1)
    open_run(state, "in-the-parent")
    assert os.waitpid(child, 0)[1] == 0
    assert {run.key.run_id for run in state.runs()} == {"before", "in-the-child", "in-the-parent"}


def test_threads_share_a_state(state: State) -> None:
    runs = [open_run(state, f"run-{number}") for number in range(8)]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            step = step_key(runs[number], source=f"source-{number}")
            state.finish_step(begin(state, step), StepResult(rows_read=number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [state.steps(f"run-{n}")[0].result for n in range(8)] == [StepResult(rows_read=n) for n in range(8)]


def test_a_disk_that_is_full_is_a_passing_thing_and_keeps_what_was_there(state: State, state_url: str) -> None:
    run = open_run(state)
    file = Database(state_url).file
    with sqlite3.connect(file) as plain:
        pages = plain.execute("PRAGMA page_count").fetchone()[0]
    database = Database(state_url)

    def fill() -> None:
        with database.write() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(2000):
                connection.exec_driver_sql("INSERT INTO finport_plans VALUES (?, zeroblob(4000))", (str(number),))

    with pytest.raises(StateUnavailable, match="full"):
        fill()
    assert [row.key for row in state.runs()] == [run]
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM finport_plans").scalar() == 0


def test_the_address_comes_out_of_the_connection() -> None:
    environment = {
        "AIRFLOW_CONN_FINPORT_STATE": "postgres://finport:sehr%20geheim@db.example:5433/state?sslmode=verify-full&cursor=dictcursor"
    }
    url = url_of(EnvironmentConnections(environment).get("finport_state"))
    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg://finport:sehr geheim@db.example:5433/state?sslmode=verify-full"
    )
    assert str(url_of(ConnectionSpec(id="finport_state", kind="sqlite", host="/srv/state.db"))) == (
        "sqlite:////srv/state.db"
    )
    for kind in ("mysql", "sqlite"):
        with pytest.raises(ConfigError, match="finport_state"):
            url_of(ConnectionSpec(id="finport_state", kind=kind))

"""The SQL storage on a real PostgreSQL: what its tables look like, upserts, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from upath import UPath

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    ContractBroken,
    DeadlineExceeded,
    PermanentError,
    StorageUnavailable,
)
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.records import Replaces
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price, values
from tests.services.postgresql import PostgresqlServer
from tests.services.process import free_port

FIRST, SECOND, OTHER = price("AAPL", 5, "1.0000"), price("AAPL", 5, "2.0000"), price("MSFT", 5, "9.0000")
KEY = ("symbol", "day")


@pytest.fixture
def url(postgresql_database: str) -> str:
    return postgresql_database.replace("postgresql+psycopg://", "postgres://")


@pytest.fixture
def deliveries(tmp_path: Path) -> Deliveries:
    return Deliveries(places=Places(UPath(tmp_path)))


@pytest.fixture
def maker(url: str, deliveries: Deliveries) -> StorageMaker:
    environment = {"AIRFLOW_CONN_WAREHOUSE": url}
    return StorageMaker(
        name="sql", places=deliveries.places, options={"connection": "warehouse"}, environment=environment
    )


@pytest.fixture
def database(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _columns(database: psycopg.Connection, table: str) -> dict[str, str]:
    query = """
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    """
    return dict(database.execute(query, (table,)).fetchall())


def test_the_table_has_the_exact_types_and_names(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    schema = pa.schema([("Close %s", pa.decimal128(18, 4)), ('a"; DROP TABLE x', pa.date32()), ("id", pa.int64())])
    storage = maker.open(table="market.Daily Prices")
    row = {"Close %s": Decimal("1.5000"), 'a"; DROP TABLE x': None, "id": 7}

    storage.publish(deliveries.request({"a": [row]}, schema=schema))

    assert contents(storage) == values(row)
    assert _columns(database, 'market."Daily Prices"') == {
        "Close %s": "numeric(18,4)",
        'a"; DROP TABLE x': "date",
        "id": "bigint",
        "_finport_part": "text",
        "_finport_row": "bigint",
        "_finport_item": "bigint",
        "_finport_source": "text",
    }
    assert storage.place == "postgresql table market.Daily Prices"


def test_rows_and_log_are_one_transaction(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    maker.open().publish(deliveries.request({"a": [FIRST], "b": [OTHER]}))

    logged = database.execute(
        """
        SELECT c.run_id, c.xmin::text = i.xmin::text, p.xmin::text = i.xmin::text, i.item, p.symbol
        FROM finport_commits c JOIN finport_items i USING (commit_id) JOIN prices p ON p._finport_item = i.item_id
        ORDER BY i.item
        """
    ).fetchall()

    assert [(run, item, symbol) for run, *_, item, symbol in logged] == [("run-1", "a", "AAPL"), ("run-1", "b", "MSFT")]
    assert all(same for _, one, two, *_ in logged for same in (one, two))


def test_a_record_with_a_known_key_is_updated(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(mode="upsert", key=KEY)
    storage.publish(deliveries.request({"monday": [FIRST, OTHER]}))
    storage.publish(deliveries.request({"tuesday": [SECOND]}, run="run-2"))
    assert contents(storage) == values(SECOND, OTHER)

    storage.retract("exchange", "run-2")
    assert contents(storage) == values(FIRST, OTHER)


def test_of_several_records_with_one_key_the_last_counts(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(mode="upsert", key=KEY)

    publication = storage.publish(deliveries.request({"a": [FIRST, OTHER], "b": [SECOND]}))

    assert publication.row_count == 2
    assert contents(storage) == values(SECOND, OTHER)


def test_an_upsert_leaves_the_records_of_another_source_alone(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(mode="upsert", key=KEY)
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, source="vendor", run="run-2"))
    assert contents(storage) == values(FIRST, SECOND)


def test_taking_back_an_upsert_between_two_others(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(mode="upsert", key=KEY)
    for number in range(1, 4):
        rows = {f"file-{number}": [price("AAPL", 5, f"{number}.0000")]}
        storage.publish(deliveries.request(rows, run=f"run-{number}"))

    storage.retract("exchange", "run-2")
    assert contents(storage) == values(price("AAPL", 5, "3.0000"))
    storage.retract("exchange", "run-3")
    assert contents(storage) == values(FIRST)


def test_records_without_a_key_cannot_be_upserted(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(mode="upsert", key=KEY)
    with pytest.raises(ContractBroken, match=r"1 records have no key.*nullable: false"):
        storage.publish(deliveries.request({"a": [FIRST, price(None, 6, "1.0000")]}))
    assert storage.publications() == []


def test_upsert_needs_a_key_that_the_data_has(maker: StorageMaker, deliveries: Deliveries) -> None:
    with pytest.raises(ConfigError, match="state 'key'"):
        maker.open(mode="upsert").publish(deliveries.request({"a": [FIRST]}))
    with pytest.raises(ConfigError, match="isin"):
        maker.open(mode="upsert", key=("isin",)).publish(deliveries.request({"a": [FIRST]}))


def test_a_table_with_doubles_is_not_upserted_into(maker: StorageMaker, deliveries: Deliveries) -> None:
    maker.open().publish(deliveries.request({"a": [FIRST, SECOND]}))
    with pytest.raises(ConfigError, match="several rows with one key"):
        maker.open(mode="upsert", key=KEY).publish(deliveries.request({"b": [OTHER]}, run="run-2"))


def test_another_key_replaces_the_first_one(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    maker.open(mode="upsert", key=("symbol",)).publish(deliveries.request({"a": [FIRST]}))
    later = price("AAPL", 6, "1.0000")
    maker.open(mode="upsert", key=KEY).publish(deliveries.request({"b": [later]}, run="run-2"))

    assert contents(maker.open()) == values(FIRST, later)
    indexes = database.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'prices__finport_key'").fetchall()
    assert len(indexes) == 1
    assert "symbol, day" in indexes[0][0]


def test_nested_values_become_jsonb_with_exact_numbers(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    legs = pa.list_(pa.struct([("amount", pa.decimal128(38, 18)), ("id", pa.string())]))
    exact = Decimal("12345678901234567890.123456789012345678")
    rows: list[dict[str, Any]] = [{"legs": [{"amount": exact, "id": "037833100"}]}, {"legs": None}]

    maker.open().publish(deliveries.request({"a": rows}, schema=pa.schema([("legs", legs)])))

    found = database.execute("SELECT (legs->0->>'amount')::numeric, legs->0->>'id' FROM prices ORDER BY 1").fetchall()
    assert found == [(exact, "037833100"), (None, None)]


def test_two_datasets_share_a_schema_and_its_log(maker: StorageMaker, deliveries: Deliveries) -> None:
    maker.open().publish(deliveries.request({"a": [FIRST]}))
    other = Deliveries(places=deliveries.places, dataset="rates")
    maker.open(dataset="rates").publish(other.request({"a": [OTHER]}, replaces=Replaces.SOURCE))

    assert contents(maker.open()) == values(FIRST)
    assert contents(maker.open(dataset="rates")) == values(OTHER)
    assert [found.dataset for found in maker.open().publications()] == ["prices"]


def test_a_table_that_is_not_ours_is_left_alone(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    database.execute("CREATE TABLE prices (symbol text)")
    with pytest.raises(ConfigError, match="not one of ours"):
        maker.open().publish(deliveries.request({"a": [FIRST]}))
    assert _columns(database, "prices") == {"symbol": "text"}


def test_names_that_postgresql_would_cut_are_refused_and_our_own_fit(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    with pytest.raises(ConfigError, match="64 bytes"):
        maker.open(table="x" * 64).publish(deliveries.request({"a": [FIRST]}))
    wide = deliveries.request({"a": [{"y" * 70: 1}]}, schema=pa.schema([("y" * 70, pa.int64())]))
    with pytest.raises(ConfigError, match="column"):
        maker.open().publish(wide)

    storage = maker.open(table="é" * 31)
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))
    storage.retract("exchange", "run-2")
    assert contents(storage) == values(FIRST)


def test_a_value_that_does_not_fit_is_not_shown(maker: StorageMaker, deliveries: Deliveries) -> None:
    with pytest.raises(PermanentError, match="NUL characters") as raised:
        maker.open().publish(deliveries.request({"a": [price("secret\0", 5, "1.0000")]}))
    assert "secret" not in str(raised.value)
    assert maker.open().publications() == []


@pytest.mark.parametrize(
    ("change", "error", "remedy"),
    [
        ({"password": "wrong"}, AccessDenied, "correct login and password"),
        ({"login": "nobody-here"}, AccessDenied, "correct login and password"),
        ({"schema": "no_such_database"}, ConfigError, "create the database"),
        ({"port": "closed"}, StorageUnavailable, "check that the server runs"),
        ({"conn_type": "mysql"}, ConfigError, "of type postgres"),
    ],
)
def test_a_wrong_connection_is_told_with_its_remedy(
    maker: StorageMaker,
    deliveries: Deliveries,
    postgresql: PostgresqlServer,
    change: dict[str, str],
    error: type[Exception],
    remedy: str,
) -> None:
    fields: dict[str, Any] = {
        "conn_type": "postgres",
        "host": postgresql.host,
        "port": postgresql.port,
        "login": postgresql.user,
        "password": postgresql.password,
        "schema": "postgres",
        **change,
    }
    fields["port"] = free_port() if fields["port"] == "closed" else fields["port"]
    wrong = replace(maker, environment={"AIRFLOW_CONN_WAREHOUSE": json.dumps(fields)})

    with pytest.raises(error, match=remedy) as raised:
        wrong.open().publish(deliveries.request({"a": [FIRST]}))
    assert postgresql.password not in str(raised.value)


def test_a_login_that_may_not_create_tables_is_told(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection, url: str
) -> None:
    role = f"reader_{database.info.dbname}"
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        info = database.info
        poor = f"postgres://{role}:reader@{info.host}:{info.port}/{info.dbname}"
        with pytest.raises(AccessDenied, match="grant"):
            replace(maker, environment={"AIRFLOW_CONN_WAREHOUSE": poor}).open().publish(
                deliveries.request({"a": [FIRST]})
            )
    finally:
        database.execute(f"DROP ROLE {role}")


def test_waiting_for_another_publisher_ends_with_the_deadline(
    maker: StorageMaker, deliveries: Deliveries, database: psycopg.Connection
) -> None:
    storage = maker.open(seconds=2)
    with database.transaction():
        database.execute("SELECT pg_advisory_xact_lock(hashtextextended('finport:public.prices', 0))")
        with pytest.raises(DeadlineExceeded):
            storage.publish(deliveries.request({"a": [FIRST]}))
    assert maker.open().publications() == []

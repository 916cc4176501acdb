"""Oracle without a server: types by the driver's own descriptions, statements, the way, and errors by number."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.oracle import oracledb as oracle_dialect

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.database.oracle import OracleDialect, digits_of, exactly, parameters_of
from finport_ingestion.engine.sources.database.oracle_columns import columns_of
from finport_ingestion.engine.sources.database.oracle_errors import translated
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import access, connection
from tests.services.process import free_port


def described(kind: Any, *, precision: int | None = None, scale: int | None = None) -> Column:
    (column,) = columns_of(sa.table("T", sa.column("C")), [("C", kind, None, None, precision, scale, True)])
    return column


def sql(element: sa.ClauseElement) -> str:
    return str(element.compile(dialect=oracle_dialect.dialect()))


@pytest.mark.parametrize(
    ("kind", "precision", "scale", "logical"),
    [
        (oracledb.DB_TYPE_NUMBER, 18, 4, "decimal(18,4)"),
        (oracledb.DB_TYPE_NUMBER, 38, 0, "decimal(38,0)"),
        (oracledb.DB_TYPE_NUMBER, 0, -127, "None"),
        (oracledb.DB_TYPE_NUMBER, 10, -2, "None"),
        (oracledb.DB_TYPE_BINARY_DOUBLE, None, None, "float"),
        (oracledb.DB_TYPE_VARCHAR, None, None, "text"),
        (oracledb.DB_TYPE_CLOB, None, None, "text"),
        (oracledb.DB_TYPE_JSON, None, None, "json"),
        (oracledb.DB_TYPE_RAW, None, None, "binary"),
        (oracledb.DB_TYPE_BLOB, None, None, "binary"),
        (oracledb.DB_TYPE_DATE, None, None, "timestamp"),
        (oracledb.DB_TYPE_TIMESTAMP, 0, 6, "timestamp"),
        (oracledb.DB_TYPE_TIMESTAMP_TZ, 0, 6, "timestamp(UTC)"),
        (oracledb.DB_TYPE_TIMESTAMP_LTZ, 0, 6, "timestamp(UTC)"),
        (oracledb.DB_TYPE_INTERVAL_DS, 2, 6, "text"),
    ],
)
def test_a_column_has_the_type_the_driver_describes(kind: Any, precision: int, scale: int, logical: str) -> None:
    assert str(described(kind, precision=precision, scale=scale).type) == logical


def test_a_moment_with_a_zone_is_asked_for_in_utc() -> None:
    column = described(oracledb.DB_TYPE_TIMESTAMP_TZ, scale=6)
    assert sql(column.selected) == 'sys_extract_utc("T"."C")'
    assert column.exact is not None
    assert column.exact(datetime(2024, 1, 2)) == datetime(2024, 1, 2, tzinfo=UTC)  # noqa: DTZ001


def test_a_moment_in_nanoseconds_is_asked_for_as_text_and_kept() -> None:
    column = described(oracledb.DB_TYPE_TIMESTAMP, scale=9)
    assert "to_char" in sql(column.selected)
    assert sql(column.ordered) == '"T"."C"'
    assert column.exact is not None
    values = pa.array([column.exact("2024-01-02T03:04:05.678901234")], column.arrow)
    assert values.cast(pa.string()).to_pylist() == ["2024-01-02 03:04:05.678901234"]


def test_numbers_come_as_text_that_becomes_a_decimal_and_large_objects_come_whole() -> None:
    made: list[tuple[Any, ...]] = []
    cursor = SimpleNamespace(arraysize=7, var=lambda *stated, **more: made.append((*stated, more)) or "variable")
    assert exactly(cursor, SimpleNamespace(type_code=oracledb.DB_TYPE_NUMBER)) == "variable"
    assert exactly(cursor, SimpleNamespace(type_code=oracledb.DB_TYPE_CLOB)) == "variable"
    assert exactly(cursor, SimpleNamespace(type_code=oracledb.DB_TYPE_DATE)) is None
    assert made[0][:3] == (oracledb.DB_TYPE_VARCHAR, 255, 7)
    assert made[0][3]["outconverter"]("0.1000000000000000000000000000000000001") == Decimal(
        "0.1000000000000000000000000000000000001"
    )
    assert made[1][0] is oracledb.DB_TYPE_LONG


def test_digits_are_counted_by_the_server() -> None:
    rows = sa.table("T", sa.column("C"))
    column = Column(name="C", type=None, selected=rows.c["C"], ordered=rows.c["C"])
    statement = sql(digits_of(Relation(name="t", rows=rows, columns=(column,)), [column], []))
    assert "to_char(trunc(abs" in statement
    assert "'TM9'" in statement


def test_the_way_is_tcps_to_the_name_and_its_certificate_is_verified() -> None:
    spec = connection("oracle", host="localhost", schema="books", login="reader")
    found = parameters_of(access(spec))
    assert (found.host, found.port, found.protocol, found.service_name) == ("localhost", 2484, "tcps", "books")
    assert found.ssl_server_dn_match is True
    assert found.ssl_context.check_hostname
    assert "pl4nted" not in repr(found)


def test_plaintext_goes_to_the_checked_address_and_needs_the_documents_word() -> None:
    spec = connection("oracle", host="localhost", schema="books", extra={"protocol": "tcp"})
    with pytest.raises(ConfigError, match="would travel without TLS"):
        parameters_of(access(spec))
    found = parameters_of(access(spec, protection={"allow_plaintext": True}))
    assert (found.host, found.port, found.protocol) == ("127.0.0.1", 1521, "tcp")


def test_the_way_is_guarded() -> None:
    for fields, error in (
        ({"extra": {"ssl_server_dn_match": False}}, ConfigError),
        ({"extra": {"wallet_location": "/w"}}, ConfigError),
        ({"schema": None}, ConfigError),
    ):
        with pytest.raises(error):
            parameters_of(access(connection("oracle", **{"host": "127.0.0.1", "schema": "books", **fields})))
    with pytest.raises(AddressRefused):
        parameters_of(
            access(connection("oracle", host="127.0.0.1", schema="books"), protection={"allow_private_network": False})
        )


def test_nobody_at_the_address_can_be_tried_again() -> None:
    options = SqlSource.Options.model_validate({"protocol": "sql", "table": "T"})
    for protection, extra in (({}, {}), ({"allow_plaintext": True}, {"protocol": "tcp"})):
        spec = connection("oracle", host="127.0.0.1", port=free_port(), schema="books", login="r", extra=extra)
        with pytest.raises(SourceUnavailable, match="prices: T: error DPY-6005"):
            SqlSource(options, access(spec, protection=protection), dialect=OracleDialect()).check()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ORA-01017", AccessDenied),
        ("ORA-28000", AccessDenied),
        ("ORA-00942", SourceItemMissing),
        ("DPY-6001", ConfigError),
        ("DPY-4024", DeadlineExceeded),
        ("ORA-03113", SourceUnavailable),
        ("DPY-4011", SourceUnavailable),
        ("ORA-00904", ConfigError),
        ("ORA-01722", FormatError),
        ("ORA-00600", PermanentError),
    ],
)
def test_an_error_is_told_by_its_number_without_the_servers_words(code: str, error: type[FinportError]) -> None:
    about = SimpleNamespace(full_code=code, message="invalid 'x'")
    found = translated(oracledb.DatabaseError(about), what="prices: T", connection_id="db")
    assert type(found) is error
    assert found.message.startswith(f"prices: T: error {code} of the database")
    assert "'x'" not in str(found)
    assert found.hint

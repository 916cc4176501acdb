"""SQL Server without a server: types, statements, the way, and errors."""

from __future__ import annotations

import mssql_python
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.dialects.mssql import mssqlpython

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)
from finport_ingestion.engine.sources.database.mssql import column_of, connection_string, quoted
from finport_ingestion.engine.sources.database.mssql_errors import translated
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.process import free_port


def sql(element: sa.ClauseElement) -> str:
    return str(element.compile(dialect=mssqlpython.dialect(), compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (mssql.INTEGER(), "integer"),
        (mssql.TINYINT(), "integer"),
        (mssql.BIT(), "boolean"),
        (mssql.DECIMAL(38, 10), "decimal(38,10)"),
        (mssql.NUMERIC(), "decimal(18,0)"),
        (mssql.MONEY(), "decimal(19,4)"),
        (mssql.SMALLMONEY(), "decimal(10,4)"),
        (mssql.FLOAT(), "float"),
        (mssql.REAL(), "float"),
        (mssql.DATE(), "date"),
        (mssql.TIME(), "time"),
        (mssql.DATETIME(), "timestamp"),
        (mssql.SMALLDATETIME(), "timestamp"),
        (mssql.DATETIME2(), "timestamp"),
        (mssql.DATETIMEOFFSET(), "timestamp(UTC)"),
        (mssql.VARBINARY(), "binary"),
        (mssql.ROWVERSION(), "binary"),
        (mssql.UNIQUEIDENTIFIER(), "text"),
        (mssql.NVARCHAR(20), "text"),
        (mssql.XML(), "text"),
    ],
)
def test_a_column_has_the_type_it_was_declared_with(declared: sa.types.TypeEngine[object], kind: str) -> None:
    assert str(column_of(sa.column("c"), declared).type) == kind


@pytest.mark.parametrize(
    ("declared", "statement", "text", "kept"),
    [
        (
            mssql.DATETIMEOFFSET(),
            "CAST(switchoffset(c, '+00:00') AS NVARCHAR(40))",
            "2024-01-02 03:04:05.1234567 +00:00",
            "2024-01-02 03:04:05.123456700Z",
        ),
        (
            mssql.DATETIME2(),
            "CAST(c AS NVARCHAR(40))",
            "2024-01-02 03:04:05.1234567",
            "2024-01-02 03:04:05.123456700",
        ),
        (mssql.TIME(), "CAST(c AS NVARCHAR(40))", "23:59:59.9999999", "23:59:59.999999900"),
    ],
)
def test_times_of_seven_digits_keep_them(
    declared: sa.types.TypeEngine[object], statement: str, text: str, kept: str
) -> None:
    column = column_of(sa.column("c"), declared)
    assert sql(column.selected) == statement
    assert column.exact is not None
    assert pa.array([column.exact(text)], column.arrow).cast(pa.string()).to_pylist() == [kept]


def test_text_is_compared_by_its_bytes() -> None:
    ordered = column_of(sa.column("c"), mssql.NVARCHAR(20)).ordered
    assert sql(ordered) == "CAST(c AS NVARCHAR(max)) COLLATE Latin1_General_100_BIN2_UTF8"


def test_the_way_is_to_the_checked_address_with_a_certificate_for_the_name() -> None:
    spec = connection("mssql", host="localhost", schema="books", login="reader")
    stated = connection_string(access(spec))
    assert "Server={tcp:127.0.0.1,1433};" in stated or "Server={tcp:::1,1433};" in stated
    assert "Encrypt={strict};TrustServerCertificate={no};HostnameInCertificate={localhost};" in stated
    assert "Encrypt={yes};" in connection_string(access(spec, protection={"min_tls": "1.2"}))


def test_a_value_of_the_connection_string_cannot_begin_another() -> None:
    assert quoted("a;Encrypt=no}") == "{a;Encrypt=no}}}"
    spec = connection("mssql", host="127.0.0.1", schema="books;TrustServerCertificate=yes", login="reader")
    assert "Database={books;TrustServerCertificate=yes};" in connection_string(access(spec))


@pytest.mark.parametrize("key", ["Encrypt", "TrustServerCertificate", "HostNameInCertificate"])
def test_a_connection_cannot_weaken_it(key: str) -> None:
    spec = connection("mssql", host="127.0.0.1", schema="books", extra={key: "no"})
    with pytest.raises(ConfigError, match=f"holds '{key}'"):
        connection_string(access(spec))


def test_what_the_driver_cannot_do_is_refused() -> None:
    spec = connection("mssql", host="127.0.0.1", schema="books")
    with pytest.raises(ConfigError, match="takes no ca_file"):
        connection_string(access(spec, protection={"ca_file": "/ca.pem"}))
    with pytest.raises(ConfigError, match="HTTP proxy"):
        connection_string(access(spec, protection={"proxy": "http://p:1"}))
    with pytest.raises(AddressRefused):
        connection_string(access(spec, protection={"allow_private_network": False}))


def test_nobody_at_the_address_can_be_tried_again() -> None:
    options = SqlSource.Options.model_validate({"protocol": "sql", "table": "T"})
    spec = connection("mssql", host="127.0.0.1", port=free_port(), schema="books", login="r")
    source = SqlSource(options, access(spec, request_timeout_seconds=2.0))
    # The driver's library needs others, which not every machine has: that is told, too.
    said = "prices: T: the (database is not reached|driver's own library cannot be loaded)"
    with pytest.raises((SourceUnavailable, UnknownPlugin), match=said) as raised:
        source.check()
    assert PLANTED_SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("Login failed for user 'x'.", AccessDenied),
        ("The SELECT permission was denied on the object 'x'", AccessDenied),
        ("Invalid object name 'x'.", SourceItemMissing),
        ("Cannot open database 'x' requested by the login.", ConfigError),
        ("SSL Provider: certificate verify failed 'x'", ConfigError),
        ("Query timeout expired 'x'", DeadlineExceeded),
        ("Communication link failure 'x'", SourceUnavailable),
        ("something else 'x'", PermanentError),
    ],
)
def test_an_error_is_told_in_our_kinds_without_the_servers_words(words: str, error: type[FinportError]) -> None:
    raised = mssql_python.OperationalError(driver_error="failed", ddbc_error=words)
    found = translated(raised, what="prices: T", connection_id="db")
    assert type(found) is error
    assert found.message.startswith("prices: T: the database")
    assert "'x'" not in str(found)
    assert found.hint

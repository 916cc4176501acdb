"""MySQL and MariaDB without a server: the types of columns, errors by number, and a driver that is not there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)
from finport_ingestion.engine.sources.database.mysql import _column
from finport_ingestion.engine.sources.database.mysql_errors import translated
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import access, connection


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (mysql.INTEGER(), "integer"),
        (mysql.TINYINT(display_width=1), "integer"),
        (mysql.BIGINT(unsigned=True), "decimal(20,0)"),
        (mysql.YEAR(), "integer"),
        (mysql.DECIMAL(30, 10), "decimal(30,10)"),
        (mysql.DECIMAL(), "decimal(10,0)"),
        (mysql.FLOAT(), "float"),
        (mysql.DOUBLE(), "float"),
        (mysql.DATE(), "date"),
        (mysql.DATETIME(fsp=6), "timestamp"),
        (mysql.TIMESTAMP(), "timestamp(UTC)"),
        (mysql.TIME(), "text"),
        (mysql.VARCHAR(20), "text"),
        (mysql.ENUM("a"), "text"),
        (mysql.JSON(), "json"),
        (mysql.VARBINARY(10), "binary"),
        (mysql.LONGBLOB(), "binary"),
        (mysql.BIT(3), "binary"),
    ],
)
def test_a_column_has_the_type_it_was_declared_with(declared: sa.types.TypeEngine[object], kind: str) -> None:
    assert str(_column(sa.column("c"), declared).type) == kind


def test_a_timestamp_is_utc_and_a_date_that_is_none_is_refused() -> None:
    exact = _column(sa.column("c"), mysql.TIMESTAMP()).exact
    assert exact is not None
    assert exact(datetime(2024, 1, 2)) == datetime(2024, 1, 2, tzinfo=UTC)  # noqa: DTZ001
    with pytest.raises(TypeError):
        exact("0000-00-00 00:00:00")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (1045, AccessDenied),
        (1142, AccessDenied),
        (1049, ConfigError),
        (2026, ConfigError),
        (1146, SourceItemMissing),
        (2003, SourceUnavailable),
        (1213, SourceUnavailable),
        (3024, DeadlineExceeded),
        (1969, DeadlineExceeded),
        (1000, PermanentError),
    ],
)
def test_an_error_is_told_by_its_number_without_the_servers_words(number: int, error: type[FinportError]) -> None:
    found = translated(ValueError(number, "Access denied for 'x'"), what="prices: t", connection_id="db")
    assert type(found) is error
    assert found.message.startswith(f"prices: t: error {number} of the database")
    assert "'x'" not in str(found)
    assert found.hint


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_a_driver_that_is_not_installed_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if ".sources.database.mysql" in name or name.startswith("pymysql")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    options = SqlSource.Options.model_validate({"protocol": "sql", "table": "t"})
    with pytest.raises(UnknownPlugin, match=r"needs pymysql\. Fix: pip install '.*\[databases\]'"):
        SqlSource(options, access(connection(kind, host="db", schema="market")))

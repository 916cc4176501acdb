"""SQLAlchemy over drivers that it has no dialect for: plain SQL, every name quoted, one session for all statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.engine import default
from sqlalchemy.sql import compiler


class Driver(Protocol):
    """A session of a driver."""

    def execute(self, statement: str, parameters: Sequence[Any]) -> Result:
        """Run one statement; what it left of an earlier one is given up."""
        ...

    def rollback(self) -> None:
        """End the transaction, if there is one."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Result(Protocol):
    """Rows that come one after the other."""

    @property
    def description(self) -> Sequence[Any]:
        """Of each column, its name and its type as the driver says it."""
        ...

    def fetchmany(self, size: int) -> list[Any]:
        """At most so many rows; none at the end."""
        ...


class Cursor:
    """What SQLAlchemy calls of a DB-API cursor, over the session."""

    arraysize = 1
    rowcount = -1

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._result: Result | None = None

    @property
    def description(self) -> Sequence[Any] | None:
        return self._result.description if self._result else None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._result = self._driver.execute(statement, parameters)

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._result.fetchmany(size or self.arraysize) if self._result else []

    def fetchall(self) -> list[Any]:
        rows: list[Any] = []
        while more := self.fetchmany(10_000):
            rows += more
        return rows

    def close(self) -> None:
        self._result = None


class Session:
    """What SQLAlchemy calls of a DB-API connection."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def cursor(self) -> Cursor:
        return Cursor(self.driver)

    def commit(self) -> None:
        """Nothing was written."""

    def rollback(self) -> None:
        self.driver.rollback()

    def close(self) -> None:
        self.driver.close()


class QuotedNames(compiler.IdentifierPreparer):
    """Which words are reserved, and how names are folded, differs: a name in quotes is that name everywhere."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class PlainCompiler(compiler.SQLCompiler):
    """Nothing that only some databases understand."""

    def get_render_as_alias_suffix(self, alias_name_text: str) -> str:
        """Without AS, which is optional everywhere but in Oracle, where it is forbidden."""
        return f" {alias_name_text}"


class PlainDialect(default.DefaultDialect):
    """See the module; a subclass says which errors its driver raises (`import_dbapi`)."""

    supports_statement_cache = True
    supports_sane_rowcount = False
    supports_native_decimal = True  # or a bound decimal would become a double
    default_paramstyle = "qmark"
    preparer = QuotedNames
    statement_compiler = PlainCompiler

    def _get_default_schema_name(self, connection: Any) -> Any:
        return None

    def _get_server_version_info(self, connection: Any) -> None:
        return None

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        raise NotImplementedError

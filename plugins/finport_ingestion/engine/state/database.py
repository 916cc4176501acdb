"""Transactions on the state database: SQLite or PostgreSQL, one writer at a time, errors in our own words."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, NoSuchModuleError, OperationalError

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    PermanentError,
    SchemaOutdated,
    StateUnavailable,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

BUSY_SECONDS = 30
CONNECT_SECONDS = 10
UPGRADE = "run 'finport db upgrade'"
_WRITES = "finport_writes"
_DRIVERS = ("sqlite", "postgresql")
_UNDEFINED_TABLE = "42P01"
_REFUSED = ("28000", "28P01", "42501")  # login, password, privilege


class Database:
    """One database by its url. Connections are made for each transaction, so a fork shares none."""

    def __init__(self, url: str | URL) -> None:
        try:
            self._url = sa.make_url(url)
        except sa.exc.ArgumentError:
            # The text may hold a password: the message must not repeat it.
            raise ConfigError("the address of the state database is not a url.", hint=_known_urls()) from None
        if self._url.get_backend_name() not in _DRIVERS:
            raise ConfigError(f"the state cannot lie in {self._url.get_backend_name()}.", hint=_known_urls())
        if self.is_sqlite and self._url.database in (None, "", ":memory:"):
            raise ConfigError("the state cannot lie in memory: each task is a process.", hint=_known_urls())

    def __str__(self) -> str:
        """The address without password and options."""
        url = self._url
        shown = sa.URL.create(url.drivername, url.username, host=url.host, port=url.port, database=url.database)
        return shown.render_as_string()

    @property
    def is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @cached_property
    def file(self) -> Path:
        """The file of a SQLite database."""
        return Path(str(self._url.database)).resolve()

    @cached_property
    def engine(self) -> Engine:
        """Made on first use, which comes after the fork; without a pool, so that nothing is inherited."""
        return _sqlite_engine(self.file) if self.is_sqlite else _postgresql_engine(self._url)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks.

        Raises:
            StateUnavailable: The database does not answer.
            SchemaOutdated: Its file, or its tables, are not there.
        """
        with self.translated(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes something: all of it is kept, or nothing. Raises as `read` does."""
        with self.translated(), self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """What the driver raises, as our errors."""
        try:
            yield
        except DBAPIError as error:
            raise self._translate(error) from error
        except NoSuchModuleError as error:
            raise ConfigError(f"the driver of {self} is not installed: {error}", hint=_known_urls()) from error

    def _translate(self, error: DBAPIError) -> Exception:
        text = str(error.orig).strip().partition("\n")[0] or type(error.orig).__name__
        sqlstate = getattr(error.orig, "sqlstate", None)
        if self.is_sqlite and not self.file.exists():
            return SchemaOutdated(f"there is no state database at {self}.", hint=UPGRADE)
        if "no such table" in text or sqlstate == _UNDEFINED_TABLE:
            return SchemaOutdated(f"{self} has not the tables of this package.", hint=UPGRADE)
        if "not a database" in text:
            return PermanentError(f"{self} is not a SQLite database.", hint="name another file in 'finport_state'")
        if "authentication failed" in text or sqlstate in _REFUSED:
            return AccessDenied(
                f"{self} refuses: {text}.", hint="correct the connection 'finport_state', or its grants"
            )
        if isinstance(error, OperationalError | InterfaceError | InternalError):
            return StateUnavailable(f"{self} cannot be used now: {text}.", hint="'finport doctor' tells more")
        return error


def insert(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """INSERT with ON CONFLICT, which both databases spell the same way but SQLAlchemy keeps apart."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def add_new(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of that key is there; whether this call did it."""
    statement = insert(connection, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1


def upsert(
    connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = ()
) -> None:
    """Insert rows, or overwrite those of the same key but for the columns in `keep`. All rows have the same columns."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert(connection, table)
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in (*keys, *keep)}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), [dict(row) for row in rows])


def matches(table: sa.Table, columns: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """A condition: these columns have these values."""
    return sa.and_(*(table.c[name] == value for name, value in columns.items()))


def alone(connection: Connection, name: str) -> None:
    """Wait until no other transaction is in the section called `name`; left at the transaction's end.

    A writer on SQLite is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"finport:{name}"))))


def _known_urls() -> str:
    return "write sqlite:////absolute/path/state.db or postgresql+psycopg://user:password@host/database"


def _sqlite_engine(file: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: a missing file is an error, not an empty database. The isolation level leaves BEGIN to us.
        return sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns into a writer half-way fails at once when another one writes: writers say so first.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    arguments: dict[str, Any] = {"application_name": "finport", "connect_timeout": CONNECT_SECONDS}
    arguments = {name: value for name, value in arguments.items() if name not in url.query}
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")

    return engine

"""A connection to PostgreSQL by its Airflow connection, and its errors in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import pq

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    PermanentError,
    StorageUnavailable,
)

KINDS = ("postgres", "postgresql")
_CONNECT_SECONDS = 15
# The server tells the reason of a refused login as text only.
_DENIED = re.compile(
    r"authentication failed|no password supplied|role .* does not exist|pg_hba|permission denied", re.IGNORECASE
)
_MISSING = re.compile(r"database .* does not exist", re.IGNORECASE)
_COLUMN = re.compile(r"column (\S+)")


@contextmanager
def connected(spec: ConnectionSpec, *, deadline: Deadline) -> Iterator[psycopg.Connection]:
    """One connection, one transaction: committed when the block ends well, rolled back otherwise.

    Raises:
        StorageUnavailable, AccessDenied, ConfigError: It cannot be reached, entered, or is no PostgreSQL.
        DeadlineExceeded: The server was at work when the time was used up.
        PermanentError: A value does not fit.
    """
    if spec.kind not in KINDS:
        raise ConfigError(
            f"connection '{spec.id}' is of type '{spec.kind}', but storage 'sql' writes to PostgreSQL.",
            hint="name a connection of type postgres",
        )
    try:
        with psycopg.connect(**_parameters(spec, deadline)) as connection:
            _configure(connection, deadline)
            yield connection
    except psycopg.Error as error:
        if error.sqlstate is None and not isinstance(error, psycopg.OperationalError):
            raise  # not the server's answer, but a statement that never reached it: a fault of ours
        raise _in_our_words(error, spec) from error


def _parameters(spec: ConnectionSpec, deadline: Deadline) -> dict[str, Any]:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    extra = {name: value for name, value in spec.extra.items() if name in known}
    given = {
        "host": spec.host,
        "port": spec.port,
        "dbname": spec.schema,
        "user": spec.login,
        "password": spec.secret(),
    }
    return {
        "connect_timeout": max(2, int(deadline.bound(_CONNECT_SECONDS))),
        "application_name": "finport",
        **extra,
        **{name: value for name, value in given.items() if value is not None},
        "client_encoding": "UTF8",
    }


def _configure(connection: psycopg.Connection, deadline: Deadline) -> None:
    # By statements: a pooler such as PgBouncer refuses a connection that asks for these when it is made.
    milliseconds = max(1, int(deadline.bound(deadline.seconds_left()) * 1000))
    settings = {"statement_timeout": str(milliseconds), "TimeZone": "UTC", "DateStyle": "ISO"}
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def _in_our_words(error: psycopg.Error, spec: ConnectionSpec) -> FinportError:
    where = f"connection '{spec.id}' ({spec.host or 'local'})"
    state = error.sqlstate
    if state is None:
        return _connection_error(str(error), where)
    kind = next((made for prefix, made in _BY_STATE.items() if state.startswith(prefix)), None)
    reason = f"{where}: {error.diag.message_primary or type(error).__name__}."
    if kind is not None:
        return kind[0](reason, hint=kind[1])
    # The server's message would repeat the value.
    column = _COLUMN.search(error.diag.context or "")
    at = f" in column '{column.group(1).rstrip(':,')}'" if column else ""
    if state.startswith("22"):
        return PermanentError(f"{where}: a value{at} does not fit: {type(error).__name__}.", hint="see the contract")
    return PermanentError(reason)


def _connection_error(message: str, where: str) -> FinportError:
    last = message.strip().splitlines()[-1] if message.strip() else "no answer"
    if _DENIED.search(message):
        return AccessDenied(f"{where} refuses the login: {last}", hint="correct login and password of the connection")
    if _MISSING.search(message):
        return ConfigError(f"{where}: {last}", hint="create the database, or correct the connection's schema")
    return StorageUnavailable(f"{where} does not answer: {last}", hint="check that the server runs and is reachable")


_BY_STATE: dict[str, tuple[type[FinportError], str]] = {
    "28": (AccessDenied, "correct login and password of the connection"),
    "42501": (AccessDenied, "grant the login CREATE on the schema, and ownership of its tables"),
    "3D": (ConfigError, "create the database, or correct the connection's schema"),
    "53100": (StorageUnavailable, "the database's disk is full: free space, or run 'finport clean'"),
    "53": (
        StorageUnavailable,
        "the server has no room for another connection: run fewer tasks at once",
    ),
    "22021": (PermanentError, "PostgreSQL stores no text with NUL characters; remove them, or use storage 'parquet'"),
    "57014": (DeadlineExceeded, "raise the step's timeout, or give it less to do"),
    "57": (StorageUnavailable, "the server is stopping; it is tried again"),
    "55": (StorageUnavailable, "somebody holds the table; it is tried again"),
    "40": (StorageUnavailable, "another transaction came between; it is tried again"),
    "08": (StorageUnavailable, "check that the server runs and is reachable"),
    "58": (StorageUnavailable, "see the server's log"),
    "25006": (StorageUnavailable, "the server takes no writes; name the primary in the connection"),
}
"""Error class and remedy by the beginning of the SQLSTATE; the longest that fits stands first."""

"""JDBC's errors in our kinds: by the class that the driver chose, then by SQLSTATE. No value of a row is repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.jvm.machine import Error

_BY_CLASS: tuple[tuple[str, str], ...] = (
    ("java.sql.SQLTimeoutException", "late"),
    ("java.sql.SQLInvalidAuthorizationSpecException", "refused"),
    ("java.sql.SQLTransientException", "busy"),
    ("java.sql.SQLRecoverableException", "busy"),
    ("java.sql.SQLNonTransientConnectionException", "busy"),
    ("java.sql.SQLDataException", "value"),
    ("java.lang.OutOfMemoryError", "memory"),
)
_BY_STATE: tuple[tuple[str, str], ...] = (
    (r"28|42501|42507|90096", "refused"),
    (r"42P01|42S02|42102|42103|42104|42X05|S0002", "missing"),
    (r"57014|HYT00|HY008", "late"),
    (r"08|40|53|55|57P|58|90067|90098|90121", "busy"),
    (r"22", "value"),
    (r"37|42|25006|HY000", "query"),
)
_TLS = re.compile(r"certificat|handshake|ssl|tls|PKIX|could not be verified", re.IGNORECASE)


def translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    """See the dialect. The driver's words are not repeated: they quote names, values and urls."""
    if not isinstance(error, Error):
        return PermanentError(f"{what}: the driver fails ({type(error).__name__}).", hint="see its documentation")
    number = f", number {error.number}" if error.number else ""
    told = f"{what}: SQLSTATE {error.state or 'unknown'}{number}"
    found = _found(error)
    if found == "busy" and _TLS.search(error.words):
        return ConfigError(
            f"{told}: no protected connection.",
            hint="let the server's certificate be valid for the url's host, and name its authority as 'ca_file'",
        )
    return _TOLD[found](told, connection_id)


def _found(error: Error) -> str:
    # HSQLDB calls an unknown login transient; the state is more to the point where it is one of refusal.
    if re.match(r"28", error.state):
        return "refused"
    by_class = next((kind for name, kind in _BY_CLASS if name in error.kinds), None)
    by_state = next((kind for pattern, kind in _BY_STATE if re.match(pattern, error.state)), None)
    return by_class or by_state or "other"


_TOLD: Mapping[str, Callable[[str, str], FinportError]] = {
    "refused": lambda told, connection_id: AccessDenied(
        f"{told}: the login is refused, or may not read this.",
        hint=f"check login, password and rights of connection '{connection_id}'",
    ),
    "missing": lambda told, _: SourceItemMissing(
        f"{told}: there is no such table.", hint="check 'table' or 'query' of the source"
    ),
    "late": lambda told, _: DeadlineExceeded(
        f"{told}: the statement was not done when the time of the step was used up.",
        hint="raise the step's timeout, read in partitions, or add an index",
    ),
    "busy": lambda told, connection_id: SourceUnavailable(
        f"{told}: the database is not reached, or cannot serve now.",
        hint=f"check the url of connection '{connection_id}', and whether the server is up",
    ),
    "value": lambda told, _: FormatError(
        f"{told}: a value cannot be converted as the query asks.", hint="check the query"
    ),
    "query": lambda told, _: ConfigError(
        f"{told}: the database refuses the query.", hint="correct 'query' of the source"
    ),
    "memory": lambda told, _: PermanentError(
        f"{told}: Java has too little memory.", hint="raise 'memoryBytes' of the source, or lower 'fetchRows'"
    ),
    "other": lambda told, _: PermanentError(f"{told}: the driver fails.", hint="look the number up in its manual"),
}

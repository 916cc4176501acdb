"""psycopg's errors in our kinds, by SQLSTATE; a server that is not reached has none, then by libpq's words."""

from __future__ import annotations

import re

import psycopg

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

_REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role .* (does not exist|is not)"
)
_NO_DATABASE = re.compile(r"database .* does not exist")
_TLS = re.compile(r"ssl|certificate|tls", re.IGNORECASE)
_BUSY = ("08", "40", "53", "55", "57", "58")
_MISSING = {"42P01", "3F000"}


def translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    """See the dialect. No value of a row is repeated."""
    if state := getattr(error, "sqlstate", None):
        return _of_state(state, _words(error), what=what, connection_id=connection_id)
    if isinstance(error, psycopg.DataError):
        return FormatError(
            f"{what}: a date or time cannot be represented (infinity, before year 1 or after year 9999).",
            hint="replace it in the database, or read the column by a query that casts it to text",
        )
    return _unreached(str(error), what=what, connection_id=connection_id)


def _words(error: BaseException) -> str:
    """What the server says first; ADBC's texts repeat the statement, so of them only what stands before that."""
    if isinstance(error, psycopg.Error):
        return error.diag.message_primary or ""
    said = str(error).partition("ERROR:")[2] or str(error)
    return said.strip().splitlines()[0] if said.strip() else ""


def _of_state(state: str, words: str, *, what: str, connection_id: str) -> FinportError:
    if state.startswith("28") or state == "42501":
        return AccessDenied(
            f"{what} may not be read: {words}.", hint=f"grant SELECT to the login of connection '{connection_id}'"
        )
    if state in _MISSING:
        return SourceItemMissing(f"{what}: {words}.", hint="check 'table' or 'query' of the source")
    if state == "57014":
        return DeadlineExceeded(
            f"{what}: the statement was not done when the time of the step was used up.",
            hint="raise the step's timeout, read in partitions, or add an index",
        )
    if state.startswith(_BUSY):
        return SourceUnavailable(f"{what}: the database cannot serve now ({state}: {words}).", hint="try later")
    if state.startswith("42") or state in ("25006", "3D000"):
        return ConfigError(f"{what}: the database refuses the query ({words}).", hint="correct 'query' of the source")
    if state.startswith("22"):
        # These messages quote values.
        return FormatError(f"{what}: a value cannot be converted as the query asks ({state}).", hint="check the query")
    return PermanentError(f"{what}: the database fails ({state}).", hint="see its log")


def _unreached(message: str, *, what: str, connection_id: str) -> FinportError:
    # "connection failed: connection to server at "h", port 5 failed: FATAL:  password authentication failed ..."
    reason = (
        message.splitlines()[0].rpartition("failed: ")[2].removeprefix("FATAL:").strip() if message else "no reason"
    )
    if _REFUSED.search(reason):
        return AccessDenied(
            f"{what}: the login is refused: {reason}.", hint=f"check login and password of connection '{connection_id}'"
        )
    if _NO_DATABASE.search(reason):
        return ConfigError(f"{what}: {reason}.", hint=f"check 'schema' of connection '{connection_id}'")
    if _TLS.search(reason) and "closed" not in reason:
        return ConfigError(
            f"{what}: no protected connection: {reason}.",
            hint="let the server's certificate be valid for the connection's host, of TLS 1.3 or as minTls says, and"
            " name its authority as 'ca_file' in the connection's extra",
        )
    return SourceUnavailable(f"{what}: the database is not reached: {reason}.", hint="check host and port")

"""PyMySQL's errors in our kinds, by the server's (1000 and more) and the client's (2000 and more) numbers."""

from __future__ import annotations

import ssl

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)

_REFUSED = {1044, 1045, 1142, 1143, 1227, 1698, 1820, 1862, 3118, 4151}
_BUSY = {1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 2002, 2003, 2006, 2013, 2055}
_TOO_LONG = {1317, 1969, 3024}
_MISSING = {1051, 1146}
_NO_DATABASE = 1049
_TLS = {2026, 3159}


def translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    """See the dialect. The server's words are not repeated: they quote names and values."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    told = f"{what}: error {number} of the database"
    if number in _TLS or isinstance(getattr(error, "original_exception", None), ssl.SSLError):
        return ConfigError(
            f"{told}: no protected connection.",
            hint="let the server's certificate be valid for the connection's host, of TLS 1.3 or as minTls says, and"
            " name its authority as 'ca_file' in the connection's extra",
        )
    if number in _REFUSED:
        return AccessDenied(
            f"{told}: the login is refused, or may not read this.",
            hint=f"check login, password and rights of connection '{connection_id}'",
        )
    if number in _BUSY:
        return SourceUnavailable(f"{told}: it is not reached, or cannot serve now.", hint="check host and port")
    if number in _TOO_LONG:
        return DeadlineExceeded(
            f"{told}: the statement was not done when the time of the step was used up.",
            hint="raise the step's timeout, read in partitions, or add an index",
        )
    if number in _MISSING:
        return SourceItemMissing(f"{told}: there is no such table.", hint="check 'table' of the source")
    if number == _NO_DATABASE:
        return ConfigError(
            f"{told}: there is no such database.", hint=f"check 'schema' of connection '{connection_id}'"
        )
    return PermanentError(f"{told}.", hint="look the number up in the database's documentation, and see its log")

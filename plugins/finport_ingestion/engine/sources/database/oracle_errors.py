"""python-oracledb's errors in our kinds, by the server's (ORA) and the driver's (DPY) numbers."""

from __future__ import annotations

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

_REFUSED = {"ORA-01017", "ORA-01005", "ORA-01031", "ORA-01045", "ORA-28000", "ORA-28001", "ORA-41900", "DPY-4001"}
_MISSING = {"ORA-00942", "ORA-04043"}
_SERVICE = {"ORA-12514", "ORA-12505", "DPY-6001", "DPY-6003"}
_LATE = {"DPY-4024", "ORA-01013", "ORA-03136"}
_BUSY = {
    *("ORA-00018", "ORA-00020", "ORA-00257", "ORA-01033", "ORA-01034", "ORA-01089", "ORA-01555", "ORA-03113"),
    *("ORA-03114", "ORA-03135", "ORA-12516", "ORA-12519", "ORA-12520", "ORA-12521", "ORA-12528", "ORA-12537"),
    *("ORA-12541", "ORA-12545", "ORA-12547", "ORA-12570", "ORA-12571", "ORA-25408"),
    *("DPY-1001", "DPY-4011", "DPY-6005", "DPY-6000", "DPY-4005"),
}
_TLS_WORDS = ("certificate", "ssl", "tls", "dn match", "dpy-6006")
_QUERY = {f"ORA-{number:05d}" for number in range(900, 1000)} - _MISSING | {"ORA-01456", "ORA-01756"}
_VALUES = {"ORA-01722", "ORA-01830", "ORA-01841", "ORA-01843", "ORA-01847", "ORA-01858", "ORA-01476", "ORA-01426"}


def translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    """See the dialect. The server's words are not repeated: they quote names and values."""
    about = error.args[0] if error.args else None
    code = str(getattr(about, "full_code", "") or "")
    told = f"{what}: error {code or type(error).__name__} of the database"
    if code in _REFUSED:
        return AccessDenied(
            f"{told}: the login is refused, or may not read this.",
            hint=f"check login, password and rights of connection '{connection_id}'",
        )
    if code in _MISSING:
        return SourceItemMissing(f"{told}: there is no such table.", hint="check 'table' or 'query' of the source")
    if code in _SERVICE:
        return ConfigError(
            f"{told}: the listener knows no such service.", hint=f"check 'schema' of connection '{connection_id}'"
        )
    if code in _LATE:
        return DeadlineExceeded(
            f"{told}: the statement was not done when the time of the step was used up.",
            hint="raise the step's timeout, read in partitions, or add an index",
        )
    if any(word in str(error).lower() for word in _TLS_WORDS):
        return ConfigError(
            f"{told}: no protected connection.",
            hint="let the server's certificate be valid for the connection's host, of TLS 1.3 or as minTls says, and"
            " name its authority as 'ca_file' in the connection's extra",
        )
    return _by_query(code, told)


def _by_query(code: str, told: str) -> FinportError:
    if code in _BUSY:
        return SourceUnavailable(f"{told}: it is not reached, or cannot serve now.", hint="check host and port")
    if code in _VALUES:
        return FormatError(f"{told}: a value cannot be converted as the query asks.", hint="check the query")
    if code in _QUERY:
        return ConfigError(f"{told}: it refuses the query.", hint="correct 'query' of the source")
    return PermanentError(f"{told}.", hint="look the number up in Oracle's documentation, and see its log")

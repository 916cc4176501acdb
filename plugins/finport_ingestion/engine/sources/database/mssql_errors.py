"""mssql-python's errors in our kinds: by the server's number where its words hold one, else by the SQLSTATE's name."""

from __future__ import annotations

import re

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)

_NAMED = re.compile(
    r"(?P<driver>failed to load the driver)"
    r"|(?P<refused>login failed|invalid authorization|permission was denied|account is disabled)"
    r"|(?P<missing>invalid object name|base table or view not found)"
    r"|(?P<database>cannot open database)"
    r"|(?P<late>timeout expired|query timeout|lock request time out)"
    r"|(?P<tls>certificate|ssl provider|tls|encryption)"
    r"|(?P<busy>login timeout|unable to establish connection|communication link|connection failure|disconnect"
    r"|not open|deadlock|tcp provider|rejected)"
    r"|(?P<value>conversion failed|arithmetic overflow|invalid character value|numeric value out of range)"
    r"|(?P<query>syntax error|invalid column name|incorrect syntax)",
    re.IGNORECASE,
)


def translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    """See the dialect. The server's words are not repeated: they quote names and values."""
    said = f"{getattr(error, 'driver_error', '')} {getattr(error, 'ddbc_error', '')} {error}"
    match = _NAMED.search(said)
    found = match.lastgroup if match else None
    told = f"{what}: the database"
    if found == "driver":
        return UnknownPlugin(
            f"{what}: the driver's own library cannot be loaded.",
            hint="install what it needs on the worker: libltdl7, libkrb5-3 and libgssapi-krb5-2 on Debian",
        )
    if found == "refused":
        return AccessDenied(
            f"{told} refuses the login, or its reading this.",
            hint=f"check login, password and rights of connection '{connection_id}'",
        )
    if found == "missing":
        return SourceItemMissing(f"{told} has no such table.", hint="check 'table' of the source")
    if found == "database":
        return ConfigError(f"{told} is not there.", hint=f"check 'schema' of connection '{connection_id}'")
    if found == "late":
        return DeadlineExceeded(
            f"{told} was not done when the time of the step was used up.",
            hint="raise the step's timeout, read in partitions, or add an index",
        )
    if found == "tls":
        return ConfigError(
            f"{told} gives no protected connection.",
            hint="let its certificate be valid for the connection's host, by an authority that the worker trusts; a"
            " server before 2022 needs security.minTls 1.2",
        )
    return _by_statement(found, told)


def _by_statement(found: str | None, told: str) -> FinportError:
    if found == "busy":
        return SourceUnavailable(f"{told} is not reached, or cannot serve now.", hint="check host and port")
    if found == "value":
        return FormatError(f"{told} cannot convert a value.", hint="check the view")
    if found == "query":
        return ConfigError(f"{told} refuses the statement.", hint="check 'table' of the source")
    return PermanentError(f"{told} fails.", hint="see its log")

"""Which protocol an address is of, by its scheme."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from finport_ingestion.engine.detect_source.proposal import About, Proposal
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.registry import PROTOCOLS

_OF_SCHEME = {
    "http": "http",
    "https": "http",
    "file": "file",
    "": "file",
    "ftp": "ftp",
    "ftps": "ftp",
    "sftp": "sftp",
    "s3": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "abfs": "azure_blob",
    "abfss": "azure_blob",
    "ws": "websocket",
    "wss": "websocket",
    "kafka": "kafka",
    "redis": "redis",
    "rediss": "redis",
    "mongodb": "mongodb",
    "postgres": "sql",
    "postgresql": "sql",
    "mysql": "sql",
    "mariadb": "sql",
    "oracle": "sql",
    "mssql": "sql",
    "sqlite": "sql",
    "duckdb": "sql",
    "jdbc": "jdbc",
}


def protocol(address: str) -> Proposal:
    """The protocol of an address or a folder.

    Raises:
        ConfigError: There is none here for it, or the address holds credentials.
    """
    parts = urlsplit(address)
    scheme = parts.scheme.lower() if re.match(r"[a-z][a-z0-9+.-]+:", address, re.IGNORECASE) else ""
    name = _OF_SCHEME.get(scheme.partition("+")[0])
    if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
        # The address is not repeated: it holds a password.
        raise ConfigError(
            "the address holds a password.", hint="leave it out; login and password belong into a connection"
        )
    if name is None or name not in PROTOCOLS:
        raise ConfigError(
            f"no protocol here for '{scheme}:'.", hint=f"there are {', '.join(PROTOCOLS.names())}; see 'add-a-protocol'"
        )
    reason = f"the scheme is {scheme}" if scheme else "it is a path"
    return Proposal(about=About.PROTOCOL, value={"protocol": name}, confidence=0.98, reasons=(reason,))

"""The file of a database that is one."""

from __future__ import annotations

import os
from pathlib import Path

from finport_ingestion.engine.errors import AccessDenied, ConfigError, SourceUnavailable
from finport_ingestion.engine.sources.interface import Access


def database_file(access: Access) -> Path:
    """The connection's file: its extra `path`, or its schema or host.

    Raises:
        ConfigError: None is stated. SourceUnavailable: It is not there. AccessDenied: It cannot be read.
    """
    connection = access.connection
    stated = (connection.extra.get("path") or connection.schema or connection.host) if connection else None
    if not stated:
        raise ConfigError(f"{access.source}: no file.", hint="put the file into the connection's extra, as 'path'")
    if str(stated).startswith(":memory:"):
        raise ConfigError(
            f"{access.source}: a database in memory is empty.", hint="name a file in the connection's extra, as 'path'"
        )
    path = Path(stated)
    if not path.is_file():
        raise SourceUnavailable(
            f"{access.source}: there is no file {path}.", hint="check the path, and whether its volume is mounted"
        )
    if not os.access(path, os.R_OK):
        raise AccessDenied(f"{access.source}: {path} cannot be read.", hint="give the worker's user the right to")
    return path

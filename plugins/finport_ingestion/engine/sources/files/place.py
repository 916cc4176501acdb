"""Which server, and which folder of it."""

from __future__ import annotations

import posixpath

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.files.options import FileSetOptions
from finport_ingestion.engine.sources.interface import Access


def connection_of(access: Access, protocol: str) -> ConnectionSpec:
    """The source's connection, which names a host.

    Raises:
        ConfigError: There is none, or it names none.
    """
    if access.connection is None:
        raise ConfigError(
            f"{access.source}: protocol {protocol} needs a connection.", hint="state one with host and login"
        )
    if not access.connection.host:
        raise ConfigError(
            f"{access.source}: connection '{access.connection.id}' names no host.", hint="state the server as its host"
        )
    return access.connection


def folder_of(options: FileSetOptions, connection: ConnectionSpec, source: str) -> str:
    """The folder on the server: the document's below the connection's (its extra `path`), or below the login's own.

    Raises:
        ConfigError: The document's path leaves the connection's folder, or cannot be said in a command.
    """
    root = str(connection.extra.get("path") or "")
    path = posixpath.normpath(posixpath.join(root, options.path or "."))
    if not path.isprintable():
        raise ConfigError(f"{source}: path {path!r} holds letters that no command can.", hint="correct the path")
    if root and posixpath.relpath(path, posixpath.normpath(root)).split("/", 1)[0] == "..":
        raise ConfigError(
            f"{source}: path '{options.path}' leaves the connection's folder {root}.", hint="name a folder below it"
        )
    return path

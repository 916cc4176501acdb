"""A client of one Redis server over a checked connection, and its errors in our kinds."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    SourceUnavailable,
)
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.tcp import own_tls, secured

_DEFAULT_PORT = 6379
_OTHER_SERVERS = ("MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN")
_NOT_NOW = ("LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN")


class _CheckedConnection(redis.Connection):
    """Connects as it is told to, not by the host name."""

    def __init__(self, *, connect: Callable[[], socket.socket], **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self._opened = connect

    def _connect(self) -> socket.socket:
        return self._opened()


@contextmanager
def reached(access: Access, *, what: str) -> Iterator[redis.Redis]:
    """A client that has logged in; it lives as long as the block.

    Raises:
        SourceUnavailable, AccessDenied, ConfigError: The server cannot be used, or not like this.
    """
    connection = _connection(access)
    tls = _tls(access, connection, what=what)
    client = _client(access, connection, tls, what=what)
    access.gate.admit(access.deadline)
    began = time.monotonic()
    try:
        with client, told_in_our_errors(what, connection_id=connection.id):
            client.ping()
            access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
            yield client
    finally:
        client.connection_pool.disconnect()


@contextmanager
def told_in_our_errors(what: str, *, connection_id: str) -> Iterator[None]:
    """Turn redis-py's errors into ours. No value of a key is repeated."""
    try:
        yield
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise _refusal(error, what=what, connection_id=connection_id) from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise _unreached(error, what=what, connection_id=connection_id) from None
    except redis.ResponseError as error:
        raise _answer(str(error), what=what, connection_id=connection_id) from None
    except redis.RedisError as error:
        raise PermanentError(f"{what}: the client fails ({type(error).__name__}).", hint="report this source") from None


def _refusal(error: redis.RedisError, *, what: str, connection_id: str) -> AccessDenied:
    if isinstance(error, redis.exceptions.NoPermissionError):
        return AccessDenied(
            f"{what} may not be read by this login.",
            hint=f"give the ACL user of connection '{connection_id}' the keys, @read and @connection",
        )
    return AccessDenied(
        f"{what}: the login is refused.", hint=f"check login and password of connection '{connection_id}'"
    )


def _unreached(error: redis.RedisError, *, what: str, connection_id: str) -> FinportError:
    # redis-py raises a ConnectionError for a login that fails while it connects.
    cause = error.__cause__ or error.__context__
    if isinstance(cause, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return _refusal(cause, what=what, connection_id=connection_id)
    if isinstance(cause, FinportError):
        return cause
    if any(word in str(error) for word in _NOT_NOW):
        return SourceUnavailable(f"{what}: the server cannot serve now.", hint="try later")
    return SourceUnavailable(f"{what}: the server does not answer, or has ended the connection.", hint="check it")


def _answer(words: str, *, what: str, connection_id: str) -> FinportError:
    code = words.partition(" ")[0]
    if code in _OTHER_SERVERS:
        return ConfigError(
            f"{what}: the server is one of a cluster, which is not supported.", hint="name a server that has all keys"
        )
    if code in ("NOAUTH", "WRONGPASS"):
        return AccessDenied(
            f"{what}: the login is refused.", hint=f"check login and password of connection '{connection_id}'"
        )
    if code in _NOT_NOW:
        return SourceUnavailable(f"{what}: the server cannot serve now ({code}).", hint="try later")
    if code == "WRONGTYPE":
        return ConfigError(f"{what} holds another kind of value.", hint="correct the kind that the source states")
    if "DB index" in words:
        return ConfigError(
            f"{what}: the server has no such database.", hint=f"correct 'schema' of connection '{connection_id}'"
        )
    return PermanentError(f"{what}: the server refuses a command ({code}).", hint="look into its log")


def _client(access: Access, connection: ConnectionSpec, tls: ssl.SSLContext | None, *, what: str) -> redis.Redis:
    host, port = str(connection.host), connection.port or _DEFAULT_PORT
    place = f"{what} at {host}:{port}"

    def connect() -> socket.socket:
        seconds = access.deadline.bound(access.request_timeout_seconds)
        reached = connected(host, port, protection=access.protection, timeout_seconds=seconds, what=place)
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return secured(reached, tls, host, what=place) if tls else reached

    pool = redis.ConnectionPool(
        connection_class=_CheckedConnection,
        connect=connect,
        max_connections=1,
        db=_database(connection),
        username=connection.login or None,
        password=connection.secret(),
        socket_timeout=access.request_timeout_seconds,
        client_name="finport-ingestion",
        retry=Retry(NoBackoff(), 0),  # a step is tried again as a whole
        driver_info=None,
        protocol=2,
    )
    client = redis.Redis(connection_pool=pool)
    # As it came: a dictionary would lose a field that an entry has twice.
    client.set_response_callback("XRANGE", lambda answer, **_: answer)
    return client


def _database(connection: ConnectionSpec) -> int:
    number = str(connection.schema or connection.extra.get("db", "0"))
    if not number.isdecimal():
        raise ConfigError(
            f"connection '{connection.id}': its schema is no number of a Redis database.", hint="write 0, 1, ..."
        )
    return int(number)


def _tls(access: Access, connection: ConnectionSpec, *, what: str) -> ssl.SSLContext | None:
    if str(connection.extra.get("tls", "true")).lower() in ("false", "0", "no"):
        access.protection.demand_tls(what=what, fix="take 'tls: false' out of the connection's extra")
        return None
    return own_tls(access)


def _connection(access: Access) -> ConnectionSpec:
    if access.connection is None or not access.connection.host:
        raise ConfigError(
            f"{access.source}: no server.", hint="state 'connection' in the source, and fill in the connection's host"
        )
    return access.connection

"""The servers of a connection, asked over a socket of our own before librdkafka is let at them.

It would only say, after a while, that no broker answers; here the reason is heard, and the address is the checked one.
"""

from __future__ import annotations

import socket
import ssl
import struct

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.resilience.wire import translated
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.kafka_topics.settings import Way
from finport_ingestion.engine.sources.tcp import own_tls, secured

_API_VERSIONS, _VERSION, _NUMBER, _NO_CLIENT_ID = 18, 0, 4711, -1
_QUESTION = struct.pack(">ihhih", 10, _API_VERSIONS, _VERSION, _NUMBER, _NO_CLIENT_ID)
"""Which requests it knows: the first one of every client, answered before a login."""
_ANSWER = struct.Struct(">ii")  # its length, and the number of the question


def try_servers(access: Access, way: Way, *, what: str) -> None:
    """All of them are checked; one has to answer.

    Raises:
        AddressRefused: The source may not reach one of them.
        SourceUnavailable, ConfigError, AccessDenied: None answers as a broker does, and why.
    """
    tls = own_tls(access) if way.tls else None
    for host, port in way.servers:
        resolved(host, port, protection=access.protection, what=f"{what} at {host}:{port}")
    failure: SourceUnavailable | None = None
    for host, port in way.servers:
        try:
            _ask(access, tls, host, port, what=f"{what} at {host}:{port}")
        except SourceUnavailable as error:
            failure = error
        else:
            return
    if failure is not None:
        raise failure


def _ask(access: Access, tls: ssl.SSLContext | None, host: str, port: int, *, what: str) -> None:
    seconds = access.deadline.bound(access.request_timeout_seconds)
    plain = connected(host, port, protection=access.protection, timeout_seconds=seconds, what=what)
    with secured(plain, tls, host, what=what) if tls else plain as reached:
        try:
            reached.sendall(_QUESTION)
            answer = _received(reached)
        except OSError as error:
            # Also an alert: since TLS 1.3 a server that wants a certificate says so only now.
            raise translated(error, what) from None
    if len(answer) < _ANSWER.size or _ANSWER.unpack(answer)[1] != _NUMBER:
        raise SourceUnavailable(
            f"{what}: there is no answer as a broker gives it.", hint="check the port, and whether it speaks TLS"
        )


def _received(reached: socket.socket) -> bytes:
    answer = b""
    while len(answer) < _ANSWER.size and (more := reached.recv(_ANSWER.size - len(answer))):
        answer += more
    return answer

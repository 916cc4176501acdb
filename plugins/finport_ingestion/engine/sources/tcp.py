"""TLS over a connected socket, for protocols whose client leaves that to us."""

from __future__ import annotations

import socket
import ssl

from finport_ingestion.engine.auth.certificate import present_certificate
from finport_ingestion.engine.auth.interface import Grant, Reply, Request
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.resilience.wire import translated
from finport_ingestion.engine.sources.interface import Access


def own_tls(access: Access) -> ssl.SSLContext:
    """The source's TLS, with the client certificate of its connection if there is one.

    Raises:
        ConfigError: The authority or the certificate cannot be used. AccessDenied: the certificate has expired.
    """
    context = client_tls(access.protection, source=access.source)
    clock = access.deadline.clock
    present_certificate(
        Grant(source=access.source, connection=access.connection, clock=clock, send=_send_nothing), context
    )
    return context


def secured(reached: socket.socket, context: ssl.SSLContext, host: str, *, what: str) -> ssl.SSLSocket:
    """TLS with `host`, whose name the certificate must bear; takes the socket over, and closes it where that fails.

    Raises:
        ConfigError: The certificate is not trusted, or there is no TLS that is accepted here.
        AccessDenied: The server wants a client certificate, or another one.
        SourceUnavailable: The connection ends.
    """
    try:
        return context.wrap_socket(reached, server_hostname=host)
    except OSError as error:
        reached.close()
        raise translated(error, what) from None


def _send_nothing(request: Request) -> Reply:
    raise NotImplementedError("a certificate is presented without a request")

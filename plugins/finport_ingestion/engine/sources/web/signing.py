"""Who signs the requests of a source, and the secrets that no message about them may repeat."""

from __future__ import annotations

import ssl

from finport_ingestion.engine.auth.certificate import Presenting, present_certificate
from finport_ingestion.engine.auth.credentials import SECRET_EXTRAS
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.caller import caller


def signer_of(access: Access, *, base_url: str, tls: ssl.SSLContext) -> Signer | None:
    """The signer of the source's method, None where it has none; `tls` is given the method's certificate.

    Raises:
        ConfigError: The connection lacks what the method needs.
    """
    if access.auth is None:
        return None
    grant = grant_of(access, base_url=base_url, tls=tls)
    method = METHODS.get(access.auth.method)(access.auth, grant)
    method.prepare(tls)
    certificate = present_certificate(grant, tls)
    signer: Signer = method.signer()
    return Presenting(signer, certificate) if certificate else signer


def grant_of(access: Access, *, base_url: str | None, tls: ssl.SSLContext) -> Grant:
    """What a method may use."""
    return Grant(
        source=access.source,
        connection=access.auth_connection or access.connection,
        clock=access.deadline.clock,
        send=caller(access, tls),
        base_url=base_url,
        protection=access.protection,
        vault=access.vault,
        deadline=access.deadline,
        told=access.told,
    )


def secrets_of(access: Access) -> tuple[str, ...]:
    """What the connections hold, and what stands in the Authentication."""
    connections = [found for found in (access.connection, access.auth_connection) if found]
    stated = [connection.secret() for connection in connections]
    stated += [connection.extra.get(name) for connection in connections for name in SECRET_EXTRAS]
    return tuple(str(secret) for secret in (*stated, getattr(access.auth, "client_secret", None)) if secret)

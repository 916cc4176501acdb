"""The name of a credential at a provider: sources that share it share the provider's limits."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from finport_ingestion.engine.connections import ConnectionSpec

_COST = 2**12
"""Of scrypt: about ten milliseconds. The digest lies in a database; a short password must not be guessed from it."""


def credential_key(
    *, fallback: str, url: str | None, connection: ConnectionSpec | None, login: ConnectionSpec | None
) -> str:
    """`<host>/<digest of login and secret>`; without a secret, the id of the connection, or `fallback`.

    Args:
        url: Of the source, where no connection names a host.
        login: The connection that the authentication takes its secret from.
    """
    host = _host(connection.host if connection else None) or _host(url) or fallback
    holder = login or connection
    if holder is None:
        return host
    secret = holder.secret()
    if not secret:
        return f"{host}/{holder.login or holder.id}"
    return f"{host}/{_digest(host, holder.login or '', secret)}"


def _host(address: str | None) -> str | None:
    if not address:
        return None
    split = urlsplit(address if "//" in address else f"//{address}")
    return (split.hostname or address).lower()


@functools.lru_cache(maxsize=256)
def _digest(host: str, login: str, secret: str) -> str:
    salt = f"finport:{host}:{login}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=8, p=1, dklen=12).hex()

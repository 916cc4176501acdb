"""What a method of authentication does: sign HTTP requests with credentials that renew themselves.

A method is one class with `Options` (an AuthOptions with `method: Literal[...]`), made as `Class(options, grant)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl

    import httpx

    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.connections import ConnectionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a method may use to obtain credentials."""

    source: str  # for messages
    connection: ConnectionSpec | None
    clock: Clock
    tls: ssl.SSLContext
    timeout_seconds: float = 30.0
    base_url: str | None = None  # of the source, for addresses that are stated relative to it


class AuthMethod(Protocol):
    """A way to prove who asks."""

    Options: Any

    def httpx_auth(self) -> httpx.Auth:
        """Signs each request; renews ahead of expiry, and once after a 401."""
        ...

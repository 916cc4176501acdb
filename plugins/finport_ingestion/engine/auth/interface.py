"""What a method of authentication does: sign requests with credentials that renew themselves.

A method is one class with `Options` (an AuthOptions with `method: Literal[...]`), made as `Class(options, grant)`. It
knows no HTTP library: requests are plain values, and those that it sends itself go out through the grant, over the
same checked way as the source's own.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.network.protection import Protection

if TYPE_CHECKING:
    from finport_ingestion.engine.auth.vault import TokenVault
    from finport_ingestion.engine.clock import Clock, Deadline
    from finport_ingestion.engine.connections import ConnectionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. `url` is absolute and encoded as it goes over the wire; names of headers are as written."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer to a small request. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)  # the Set-Cookie headers, one each, as they came


class Told(Protocol):
    """Tells what became of credentials, and never fails. No fact may be, or hold, a secret or a server's own words."""

    def __call__(self, event_type: EventType, **facts: str | None) -> None: ...


def untold(event_type: EventType, **facts: str | None) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a method may use to obtain credentials."""

    source: str  # for messages
    connection: ConnectionSpec | None
    clock: Clock
    send: Callable[[Request], Reply]  # over the source's TLS, proxy and checked addresses; no redirects, no retries
    base_url: str | None = None  # of the source, for addresses that are stated relative to it
    protection: Protection = field(default_factory=Protection)  # of the source; holds for token servers too
    vault: TokenVault | None = None  # where tokens are shared between processes; by default only within this one
    deadline: Deadline | None = None  # of the source: nobody waits longer for another one who renews a token
    told: Told = untold  # method, connection and run are known to who listens


class Signer(Protocol):
    """Signs the requests of one source. May be called from any thread, and may wait for a token server."""

    def signed(self, request: Request) -> Request:
        """`request` with what proves who asks.

        Raises:
            ConfigError: The connection lacks what is needed. AccessDenied, SourceUnavailable: a token is refused.
        """
        ...

    def renew(self, rejected: Request) -> bool:
        """After a 401 to a signed request: whether it is worth signing anew and sending once more."""
        ...


class AuthMethod(Protocol):
    """A way to prove who asks."""

    Options: Any

    def signer(self) -> Signer:
        """Made once a source is opened; contacts nobody yet."""
        ...

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Load the client certificate, where the method is one; that of any other's connection is loaded beside it."""
        ...

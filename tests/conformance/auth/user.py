"""Somebody who sends signed requests as a source does: over the checked way, and once more after a 401."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from finport_ingestion.engine.auth.certificate import Presenting, present_certificate
from finport_ingestion.engine.auth.interface import AuthMethod, Grant, Reply, Request, Signer, Told, untold
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.auth.vault import LocalVault, TokenVault
from finport_ingestion.engine.clock import Clock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.sources.web.caller import caller
from tests.conformance.sources.access import access


@dataclass(kw_only=True)
class User:
    """One source with one method. `vault` is its own by default: no test sees the tokens of another."""

    method: Any  # an AuthMethod, some of which can do more than that
    signer: Signer
    grant: Grant

    @property
    def token(self) -> str:
        """The bearer token that a request would carry now."""
        signed = self.signer.signed(Request(method="GET", url="https://api.example"))
        return signed.headers["Authorization"].removeprefix("Bearer ")

    def ask(self, url: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """The answer to a signed request, signed anew if it is refused and the method says so."""
        plain = Request(method=method, url=url, headers=headers, body=body)
        signed = self.signer.signed(plain)
        reply = self.grant.send(signed)
        if reply.status == HTTPStatus.UNAUTHORIZED and self.signer.renew(signed):
            reply = self.grant.send(self.signer.signed(plain))
        return reply


@dataclass(kw_only=True)
class Place:
    """Where the users of a test are: the authorities they trust, the base URL, their clock and what they share."""

    ca_file: Path | None = None
    base_url: str | None = None
    clock: Clock | None = None
    vault: TokenVault = field(default_factory=LocalVault)
    seconds: float = 120
    timeout_seconds: float = 20.0
    protection: Mapping[str, Any] = field(default_factory=dict)
    told: Told = untold

    def user(self, spec: ConnectionSpec | None, options: Mapping[str, Any]) -> User:
        """Somebody with this connection; `options` is the `auth` block of a document."""
        grant, tls = self.grant(spec)
        kind = METHODS.get(options["method"])
        method: AuthMethod = kind(kind.Options.model_validate(options), grant)
        method.prepare(tls)
        certificate = present_certificate(grant, tls)
        signer = method.signer()
        return User(method=method, signer=Presenting(signer, certificate) if certificate else signer, grant=grant)

    def grant(self, spec: ConnectionSpec | None) -> tuple[Grant, ssl.SSLContext]:
        """What a method is given, and the TLS that its requests go over."""
        way = {"ca_file": str(self.ca_file) if self.ca_file else None, **self.protection}
        with_limits = access(
            spec, clock=self.clock, seconds=self.seconds, protection=way, request_timeout_seconds=self.timeout_seconds
        )
        tls = client_tls(with_limits.protection, source=with_limits.source)
        grant = Grant(
            source=with_limits.source,
            connection=spec,
            clock=with_limits.deadline.clock,
            send=caller(with_limits, tls),
            base_url=self.base_url,
            protection=with_limits.protection,
            vault=self.vault,
            deadline=with_limits.deadline,
            told=self.told,
        )
        return grant, tls


class Rotating:
    """A connection that changes: `now` is what it holds, `spec` is it as it was read last."""

    def __init__(self, kind: str = "finport_http", **fields: Any) -> None:
        self.kind = kind
        self.fields = fields
        self.read_count = 0

    def set(self, **fields: Any) -> None:
        """Somebody edits it."""
        self.fields = {**self.fields, **fields}

    def spec(self) -> ConnectionSpec:
        """As `Connections.get` gives it."""
        self.read_count += 1
        fields = dict(self.fields)
        secret = fields.pop("secret", None)
        return ConnectionSpec(id="planted", kind=self.kind, secret=lambda: secret, read=self.spec, **fields)

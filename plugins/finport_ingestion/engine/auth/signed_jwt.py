"""A JSON Web Token of our own on each request, signed with the private key (or shared secret) of the connection.

```yaml
auth:
  method: jwt
  algorithm: ES256
  issuer: finport
  audience: https://api.vendor.example
  lifetime: 2m
  keyId: "2024-1"
```

The key is the connection's password (PEM), or the file `private_key_file` of its extra. `claims` may name parts of the
request: `{uri: "{method} {host}{path}"}` makes a token for that request alone.
"""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request
from finport_ingestion.engine.auth.keys import key_text, signed_jwt
from finport_ingestion.engine.auth.oauth.options import Algorithm
from finport_ingestion.engine.auth.signing import with_headers
from finport_ingestion.engine.auth.template import OF_REQUEST, filled, parts_of, unknown_places
from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.options import AuthOptions

_AHEAD_SHARE = 0.2


class JwtOptions(AuthOptions):
    """Who says what to whom for how long."""

    method: Literal["jwt"]
    connection: str | None = Field(default=None, description="Connection with the key; the source's by default.")
    algorithm: Algorithm = Field(default="RS256", description="Of the signature.")
    issuer: str | None = Field(default=None, description="`iss`; the connection's login by default, if it has one.")
    subject: str | None = Field(default=None, description="`sub`.")
    audience: str | None = Field(default=None, description="`aud`.")
    claims: dict[str, str | int | bool] = Field(
        default_factory=dict,
        description="What else is claimed; texts may hold {method}, {host}, {path}, {query} and {target}.",
    )
    lifetime: Duration = Field(default=parse_duration("5m"), description="From `iat` to `exp`.")
    key_id: str | None = Field(default=None, description="`kid`, which names the key to the server.")
    header: str = Field(default="Authorization", description="Header that takes the token.")
    prefix: str = Field(default="Bearer ", description="What stands before it.")

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        for value in self.claims.values():
            if isinstance(value, str) and (unknown := unknown_places(value, OF_REQUEST)):
                raise ValueError(f"claims know no {{{unknown[0]}}}; there are {', '.join(OF_REQUEST)}")
        return self


class Jwt:
    """See the module."""

    Options = JwtOptions

    def __init__(self, options: JwtOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> JwtSigner:
        """A token on each request, made anew ahead of its end.

        Raises:
            ConfigError: The connection has no key.
        """
        credentials = Credentials(self._grant)
        return JwtSigner(self._options, self._grant, credentials)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class JwtSigner:
    """Signs with one token for a while, or with one for each request where its claims speak of it."""

    def __init__(self, options: JwtOptions, grant: Grant, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._credentials = credentials
        self._made: tuple[datetime, dict[str, Any], str] | None = None
        self._key = key_text(credentials)

    def signed(self, request: Request) -> Request:
        return with_headers(request, {self._options.header: f"{self._options.prefix}{self._token(request)}"})

    def renew(self, rejected: Request) -> bool:
        """Whether there is another key by now, in the connection or in its file."""
        self._credentials.reread()
        before, self._key, self._made = self._key, key_text(self._credentials), None
        return before != self._key

    def _token(self, request: Request) -> str:
        options, now, claims, made = self._options, self._grant.clock.now(), self._claims(request), self._made
        if made and made[0] > now and made[1] == claims:
            return made[2]
        token = signed_jwt(
            claims,
            credentials=self._credentials,
            algorithm=options.algorithm,
            now=now,
            lifetime=options.lifetime,
            key_id=options.key_id,
        )
        self._made = now + options.lifetime - _ahead(options.lifetime), claims, token
        return token

    def _claims(self, request: Request) -> dict[str, Any]:
        options, parts = self._options, parts_of(request)
        login = self._grant.connection.login if self._grant.connection else None
        named = {"iss": options.issuer or login, "sub": options.subject, "aud": options.audience}
        stated = {
            name: filled(value, parts).decode() if isinstance(value, str) and "{" in value else value
            for name, value in options.claims.items()
        }
        return {**{name: value for name, value in named.items() if value is not None}, **stated}


def _ahead(lifetime: timedelta) -> timedelta:
    return lifetime * _AHEAD_SHARE

"""OAuth 2.0 refresh tokens (RFC 6749, section 6): one that a person or a provider handed out, and its successors.

```yaml
auth: {method: oauth2_refresh_token, tokenUrl: https://login.vendor.example/token}
```

The first refresh token is `refresh_token` in the connection's extra. Where the server gives a new one with each token,
that is kept in the state database, sealed, before the token is used; another text in the connection begins anew.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.oauth.client import OAuthClient
from finport_ingestion.engine.auth.oauth.options import TokenServerOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.tokens import SharedTokens, Token


class RefreshTokenOptions(TokenServerOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    method: Literal["oauth2_refresh_token"]


class RefreshToken:
    """See the module."""

    Options = RefreshTokenOptions

    def __init__(self, options: RefreshTokenOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """A bearer token on each request.

        Raises:
            ConfigError: Id, secret, refresh token or address of the token server is missing or unsafe.
        """
        credentials = Credentials(self._grant)
        client = OAuthClient(self._options, self._grant, credentials)
        client.check()
        credentials.needed("refresh_token")
        tokens = RefreshedTokens(client, credentials, lambda: credentials.needed("refresh_token"))
        return Carried(SharedTokens(tokens, self._grant))

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class RefreshedTokens:
    """Tokens for the newest refresh token, the first of which is `first()`. A TokenSource."""

    rotates = True

    def __init__(self, client: OAuthClient, credentials: Credentials, first: Callable[[], str]) -> None:
        self._client = client
        self._credentials = credentials
        self._first = first

    def identity(self) -> tuple[str, ...]:
        return self._client.identity()

    def secret(self) -> bytes:
        return self._client.secret()

    def origin(self) -> str:
        """Of the first refresh token: another one in the connection makes its predecessor's successors worthless."""
        return hashlib.sha256(self._first().encode()).hexdigest()

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        refresh = kept.refresh if kept and kept.refresh else self._first()
        token = self._client.token({"grant_type": "refresh_token", "refresh_token": refresh})
        # Without rotation the server gives none: the one that was used goes on.
        return replace(token, refresh=token.refresh or refresh, origin=self.origin())

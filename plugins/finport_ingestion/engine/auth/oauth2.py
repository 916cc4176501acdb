"""OAuth 2.0 client credentials (RFC 6749, section 4.4).

```yaml
auth: {method: oauth2_client_credentials, tokenUrl: /oauth/token, scopes: [prices]}
```
"""

from __future__ import annotations

import ssl
from typing import Literal

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.oauth.client import ClientTokens, OAuthClient
from finport_ingestion.engine.auth.oauth.options import TokenServerOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.tokens import SharedTokens


class ClientCredentialsOptions(TokenServerOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    method: Literal["oauth2_client_credentials"]


class ClientCredentials:
    """See the module."""

    Options = ClientCredentialsOptions

    def __init__(self, options: ClientCredentialsOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """A bearer token on each request, fetched when the first one is sent.

        Raises:
            ConfigError: Id, secret or address of the token server is missing or unsafe.
        """
        credentials = Credentials(self._grant)
        client = OAuthClient(self._options, self._grant, credentials)
        client.check()
        tokens = ClientTokens(client, credentials, {"grant_type": "client_credentials"})
        return Carried(SharedTokens(tokens, self._grant))

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

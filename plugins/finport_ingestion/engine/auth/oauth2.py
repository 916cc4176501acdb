"""OAuth 2.0 client credentials (RFC 6749, section 4.4).

```yaml
auth: {method: oauth2_client_credentials, tokenUrl: /oauth/token, scopes: [prices]}
```
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import Field

from finport_ingestion.engine.auth.credentials import login_of, secret_of
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import AuthOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.auth.tokens import TokenRequest

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ClientCredentialsOptions(AuthOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    method: Literal["oauth2_client_credentials"]
    connection: str | None = Field(
        default=None, description="Connection with client id and secret; the source's by default."
    )
    token_url: str = Field(description="Absolute, or below the source's base URL.")
    client_id: str | None = Field(default=None, description="Instead of the connection's login.")
    client_secret: str | None = Field(default=None, repr=False, description="As ${VARIABLE} only.")
    scopes: tuple[str, ...] = Field(default=(), description="What to ask for.")
    audience: str | None = Field(default=None, description="For whom the token is.")
    client_authentication: Literal["basic", "post"] = Field(default="basic", description="Where the secret is sent.")


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
        from finport_ingestion.engine.auth.signing import Bearer
        from finport_ingestion.engine.auth.tokens import ClientTokens

        return Bearer(ClientTokens(self._request(), self._grant))

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

    def _request(self) -> TokenRequest:
        from finport_ingestion.engine.auth.tokens import TokenRequest

        options, grant = self._options, self._grant
        return TokenRequest(
            url=_token_url(options.token_url, grant),
            client_id=options.client_id or login_of(grant),
            client_secret=options.client_secret or secret_of(grant),
            scope=" ".join(options.scopes),
            audience=options.audience,
            in_body=options.client_authentication == "post",
        )


def _token_url(stated: str, grant: Grant) -> str:
    url = stated
    if "://" not in stated:
        if grant.base_url is None:
            raise ConfigError(
                f"{grant.source}: tokenUrl '{stated}' is relative, and the source has no base URL.",
                hint="state tokenUrl with https:// and its host",
            )
        url = f"{grant.base_url.rstrip('/')}/{stated.lstrip('/')}"
    address = urlsplit(url)
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise ConfigError(
            f"{grant.source}: the client secret would travel unprotected to {address.hostname}.",
            hint="use https:// for tokenUrl",
        )
    return url

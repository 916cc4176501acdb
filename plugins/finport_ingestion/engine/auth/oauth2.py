"""OAuth 2.0 client credentials (RFC 6749, section 4.4).

```yaml
auth: {method: oauth2_client_credentials, tokenUrl: /oauth/token, scopes: [prices]}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import AuthOptions


class ClientCredentialsOptions(AuthOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    method: Literal["oauth2_client_credentials"]
    connection: str | None = Field(
        default=None, description="Connection with client id and secret; the source's by default."
    )
    token_url: str = Field(description="Absolute, or below the source's base URL.")
    client_id: str | None = Field(default=None, description="Instead of the connection's login.")
    client_secret: str | None = Field(default=None, description="As ${VARIABLE} only.")
    scopes: tuple[str, ...] = Field(default=(), description="What to ask for.")
    audience: str | None = Field(default=None, description="For whom the token is.")
    client_authentication: Literal["basic", "post"] = Field(default="basic", description="Where the secret is sent.")


class ClientCredentials:
    """See the module."""

    Options = ClientCredentialsOptions

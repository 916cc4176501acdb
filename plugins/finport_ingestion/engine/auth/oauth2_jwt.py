"""OAuth 2.0 JWT bearer grant (RFC 7523, section 2.1): an assertion that we sign ourselves is exchanged for a token.

```yaml
auth:
  method: oauth2_jwt_bearer
  tokenUrl: https://login.vendor.example/token
  assertion: {issuer: finport, subject: reports@client.example}
```

The key is the connection's password (PEM), or the file `private_key_file` of its extra. Where the client has to prove
itself as well, `clientAuthentication` says how; by default it does not.
"""

from __future__ import annotations

import ssl
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.keys import key_text, signed_jwt
from finport_ingestion.engine.auth.oauth.client import OAuthClient
from finport_ingestion.engine.auth.oauth.options import Algorithm, ClientAuthentication, TokenServerOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.model import Duration, Spec, parse_duration

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class AssertionOptions(Spec):
    """What the assertion says."""

    issuer: str | None = Field(default=None, description="`iss`; the client id by default.")
    subject: str | None = Field(default=None, description="`sub`, for whom we act; the issuer by default.")
    audience: str | None = Field(default=None, description="`aud`; the issuer of the tokens, or tokenUrl, by default.")
    algorithm: Algorithm = Field(default="RS256", description="Of its signature.")
    key_id: str | None = Field(default=None, description="Names its key to the server.")
    lifetime: Duration = Field(default=parse_duration("5m"), description="From `iat` to `exp`.")
    claims: dict[str, str | int | bool] = Field(default_factory=dict, description="What else is claimed.")


class JwtBearerOptions(TokenServerOptions):
    """Who acts for whom."""

    method: Literal["oauth2_jwt_bearer"]
    client_authentication: ClientAuthentication = Field(
        default="none", description="How the client proves itself beside the assertion."
    )
    assertion: AssertionOptions = Field(default_factory=AssertionOptions, description="What is signed.")


class JwtBearer:
    """See the module."""

    Options = JwtBearerOptions

    def __init__(self, options: JwtBearerOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """A bearer token on each request.

        Raises:
            ConfigError: Id, key or address of the token server is missing or unsafe.
        """
        credentials = Credentials(self._grant)
        client = OAuthClient(self._options, self._grant, credentials)
        client.check()
        key_text(credentials)
        return Carried(SharedTokens(_AssertedTokens(self._options, self._grant, client, credentials), self._grant))

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class _AssertedTokens:
    """A TokenSource."""

    rotates = False

    def __init__(self, options: JwtBearerOptions, grant: Grant, client: OAuthClient, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._client = client
        self._credentials = credentials

    def identity(self) -> tuple[str, ...]:
        stated = self._options.assertion
        return (*self._client.identity(), stated.issuer or "", stated.subject or "", stated.audience or "")

    def secret(self) -> bytes:
        return self._client.secret()

    def origin(self) -> str:
        return ""

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        stated, issuer = self._options.assertion, self._options.assertion.issuer or self._client.client_id()
        claims = {
            "iss": issuer,
            "sub": stated.subject or issuer,
            "aud": stated.audience or self._options.issuer or self._client.url(),
        }
        assertion = signed_jwt(
            {**claims, **stated.claims},
            credentials=self._credentials,
            algorithm=stated.algorithm,
            now=self._grant.clock.now(),
            lifetime=stated.lifetime,
            key_id=stated.key_id,
        )
        return self._client.token({"grant_type": GRANT, "assertion": assertion})

"""What each method of OAuth 2.0 lets people write."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.options import AuthOptions

ClientAuthentication = Literal["basic", "post", "private_key_jwt", "client_secret_jwt", "tls", "none"]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"
]


class TokenServerOptions(AuthOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    connection: str | None = Field(
        default=None, description="Connection with client id and secret; the source's by default."
    )
    token_url: str | None = Field(default=None, description="Absolute, or below the source's base URL.")
    issuer: str | None = Field(
        default=None, description="Instead of `tokenUrl`: the OpenID Connect issuer, whose metadata names it."
    )
    client_id: str | None = Field(default=None, description="Instead of the connection's login.")
    client_secret: str | None = Field(default=None, repr=False, description="As ${VARIABLE} only.")
    scopes: tuple[str, ...] = Field(default=(), description="What to ask for.")
    audience: str | None = Field(default=None, description="For whom the token is.")
    parameters: dict[str, str] = Field(
        default_factory=dict, repr=False, description="What else the token server wants to be told."
    )
    client_authentication: ClientAuthentication = Field(
        default="basic",
        description="How the client proves itself: its secret in a header or in the body; a JWT signed with its"
        " private key (the connection's password, or the file `private_key_file` of its extra) or with its secret; its"
        " TLS certificate; or not at all.",
    )
    algorithm: Algorithm = Field(default="RS256", description="Of the JWT that proves the client.")
    key_id: str | None = Field(default=None, description="Names the key of that JWT to the server.")

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.token_url is None) == (self.issuer is None):
            raise ValueError("state either 'tokenUrl' or 'issuer'")
        return self

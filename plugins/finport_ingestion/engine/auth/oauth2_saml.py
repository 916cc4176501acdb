"""OAuth 2.0 SAML bearer grant (RFC 7522): an identity provider's assertion is exchanged for a token.

```yaml
auth:
  method: oauth2_saml_bearer
  tokenUrl: https://login.vendor.example/token
  clientId: finport
  assertion:
    serviceProvider: https://login.vendor.example
    identityProvider: {url: https://idp.client.example/sso, issuer: https://idp.client.example}
```

Login and password at the identity provider are the connection's; its certificate is `idp_certificate` (PEM) in the
extra. How the client proves itself beside the assertion, `clientAuthentication` says; by default it does not.
"""

from __future__ import annotations

import ssl
from base64 import b64encode, urlsafe_b64encode
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.oauth.client import OAuthClient
from finport_ingestion.engine.auth.oauth.options import ClientAuthentication, TokenServerOptions
from finport_ingestion.engine.auth.otp import OtpOptions
from finport_ingestion.engine.auth.saml import person
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.sso.assertion import Assertion, Expected, verified
from finport_ingestion.engine.auth.sso.messages import PROTOCOL, SIGNATURE, SOAP, decoded, parsed
from finport_ingestion.engine.auth.sso.provider import IdentityProviderOptions, certificates
from finport_ingestion.engine.auth.sso.request import AuthnRequest
from finport_ingestion.engine.auth.sso.visit import Visit
from finport_ingestion.engine.auth.sso.walk import Walk
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.errors import AccessDenied, ConfigError
from finport_ingestion.engine.model import Spec

GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"


class SamlAssertionOptions(Spec):
    """Who vouches for us, and to whom."""

    service_provider: str = Field(description="Entity id for which the assertion has to be: its audience.")
    recipient: str | None = Field(default=None, description="Address it is made out to; the token server's by default.")
    identity_provider: IdentityProviderOptions = Field(description="Who is asked to vouch.")
    binding: Literal["ecp", "post"] = Field(
        default="ecp", description="How it is asked: by SOAP with HTTP Basic (ECP), or by its login page."
    )
    otp: OtpOptions | None = Field(default=None, description="The second factor of its login page.")


class SamlBearerOptions(TokenServerOptions):
    """The assertion, and who exchanges it."""

    method: Literal["oauth2_saml_bearer"]
    client_authentication: ClientAuthentication = Field(
        default="none", description="How the client proves itself beside the assertion."
    )
    assertion: SamlAssertionOptions = Field(description="Where it comes from.")


class SamlBearer:
    """See the module."""

    Options = SamlBearerOptions

    def __init__(self, options: SamlBearerOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """A bearer token on each request.

        Raises:
            ConfigError: Login, password, the provider's certificate or an address is missing or unsafe.
        """
        credentials = Credentials(self._grant)
        client = OAuthClient(self._options, self._grant, credentials)
        client.check()
        credentials.login()
        credentials.password()
        certificates(credentials)
        return Carried(SharedTokens(_VouchedTokens(self._options, self._grant, client, credentials), self._grant))

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class _VouchedTokens:
    """A TokenSource."""

    rotates = False

    def __init__(self, options: SamlBearerOptions, grant: Grant, client: OAuthClient, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._client = client
        self._credentials = credentials

    def identity(self) -> tuple[str, ...]:
        stated = self._options.assertion
        return (*self._client.identity(), stated.identity_provider.url, self._credentials.login())

    def secret(self) -> bytes:
        return self._credentials.password().encode()

    def origin(self) -> str:
        return ""

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        assertion = self._assertion().xml
        if SIGNATURE.encode() not in assertion:
            raise ConfigError(
                f"{self._grant.source}: the identity provider signs its response, not the assertion in it.",
                hint="have it sign assertions: a token server gets nothing else",
            )
        return self._client.token({"grant_type": GRANT, "assertion": urlsafe_b64encode(assertion).decode()})

    def _assertion(self) -> Assertion:
        stated, now = self._options.assertion, self._grant.clock.now()
        provider = stated.identity_provider
        request = AuthnRequest.new(
            issuer=stated.service_provider,
            destination=provider.url,
            recipient=stated.recipient or self._client.url(),
            binding=stated.binding,
            now=now,
        )
        visit = Visit(self._grant, origins=(provider.url,))
        response = self._by_soap(visit, request) if stated.binding == "ecp" else self._by_page(visit, request)
        expected = Expected(
            what=visit.what("POST", provider.url),
            certificates=certificates(self._credentials),
            issuer=provider.issuer,
            audience=stated.service_provider,
            recipient=request.recipient,
            request_id=request.id,
            now=self._grant.clock.now(),
            skew=provider.clock_skew,
        )
        return verified(response, expected)

    def _by_soap(self, visit: Visit, request: AuthnRequest) -> bytes:
        from lxml import etree

        pair = b64encode(f"{self._credentials.login()}:{self._credentials.password()}".encode()).decode()
        headers = {"Content-Type": "text/xml", "Authorization": f"Basic {pair}"}
        reply = visit.post_body(request.destination, request.envelope(), headers)
        what = visit.what("POST", request.destination)
        found = parsed(reply.body, what=what).find(f"{{{SOAP}}}Body/{{{PROTOCOL}}}Response")
        if found is None:
            raise AccessDenied(f"{what}: the identity provider gives no response.", hint="ask whether it allows ECP")
        return bytes(etree.tostring(found))

    def _by_page(self, visit: Visit, request: AuthnRequest) -> bytes:
        url = request.destination
        who = person(self._options.assertion.otp, self._credentials, self._grant)
        walk = Walk(visit, who, provider=url, request_id=request.id)
        first = visit.post(url, {"SAMLRequest": b64encode(request.xml()).decode()})
        answered = walk.response(first, url)
        return decoded(answered.response, deflated=False, what=visit.what("POST", url))

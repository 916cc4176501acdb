"""SAML 2.0 web single sign-on: log in at the identity provider, bring its assertion, go on with the session's cookie.

```yaml
auth:
  method: saml
  startUrl: /login
  serviceProvider: https://api.vendor.example/saml
  identityProvider: {url: https://idp.client.example/sso, issuer: https://idp.client.example}
```

Login and password are the connection's; the provider's certificate is `idp_certificate` (PEM) in its extra. The
assertion is checked before it is handed on: signature, issuer, audience, recipient, times, and that it answers our
request.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.oauth.discovery import absolute
from finport_ingestion.engine.auth.otp import Codes, OtpOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.sso.assertion import Assertion, Expected, verified
from finport_ingestion.engine.auth.sso.messages import decoded
from finport_ingestion.engine.auth.sso.provider import IdentityProviderOptions, certificates
from finport_ingestion.engine.auth.sso.visit import Visit, leads_to, origin
from finport_ingestion.engine.auth.sso.walk import Answered, Person, Walk
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.options import AuthOptions

_MOST_REDIRECTS = 5


class SamlOptions(AuthOptions):
    """Who vouches for us, and where."""

    method: Literal["saml"]
    connection: str | None = Field(
        default=None, description="Connection with login and password; the source's by default."
    )
    start_url: str = Field(description="Where the service sends who is not logged in on to the identity provider.")
    service_provider: str = Field(description="The service's entity id, for which the assertion has to be.")
    identity_provider: IdentityProviderOptions = Field(description="Who is asked to vouch.")
    lifetime: Duration = Field(default=parse_duration("30m"), description="Of a session, if nothing says less.")
    otp: OtpOptions | None = Field(
        default=None, description="The second factor; `parameter` is its field, `otp` by default."
    )


class Saml:
    """See the module."""

    Options = SamlOptions

    def __init__(self, options: SamlOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """The session's cookies on each request.

        Raises:
            ConfigError: Login, password or the provider's certificate is missing.
        """
        credentials = Credentials(self._grant)
        credentials.login()
        credentials.password()
        certificates(credentials)
        sessions = _Sessions(self._options, self._grant, credentials)
        return Carried(SharedTokens(sessions, self._grant), header="Cookie", prefix="")

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class _Sessions:
    """A TokenSource whose tokens are cookies."""

    rotates = False

    def __init__(self, options: SamlOptions, grant: Grant, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._credentials = credentials

    def identity(self) -> tuple[str, ...]:
        options = self._options
        return "saml", self._start(), options.identity_provider.url, self._credentials.login()

    def secret(self) -> bytes:
        return self._credentials.password().encode()

    def origin(self) -> str:
        return ""

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        start, provider, now = self._start(), self._options.identity_provider.url, self._grant.clock.now()
        visit = Visit(self._grant, origins=(start, provider))
        walk = Walk(visit, person(self._options.otp, self._credentials, self._grant), provider=provider)
        answered = walk.response(visit.get(start), start)
        assertion = self._verified(answered, visit, start)
        self._hand_on(answered, visit)
        cookies = visit.cookies_for(start)
        if not cookies:
            raise AccessDenied(f"{visit.what('POST', answered.action)} gives no session.", hint="ask the provider")
        return Token.lasting(cookies, seconds=self._seconds(assertion, now), since=now)

    def _verified(self, answered: Answered, visit: Visit, start: str) -> Assertion:
        what = visit.what("POST", answered.action)
        if origin(answered.action) != origin(start):
            raise AccessDenied(f"{what}: the assertion would go to another server.", hint="check serviceProvider")
        if not answered.request_id:
            raise AccessDenied(f"{what}: the service asked for no assertion.", hint="check startUrl")
        options = self._options
        expected = Expected(
            what=what,
            certificates=certificates(self._credentials),
            issuer=options.identity_provider.issuer,
            audience=options.service_provider,
            recipient=answered.action,
            request_id=answered.request_id,
            now=self._grant.clock.now(),
            skew=options.identity_provider.clock_skew,
        )
        return verified(decoded(answered.response, deflated=False, what=what), expected)

    def _hand_on(self, answered: Answered, visit: Visit) -> None:
        """Post the response to the service, and follow it as far as it stays there."""
        reply, url = visit.post(answered.action, answered.fields), answered.action
        for _ in range(_MOST_REDIRECTS):
            following = leads_to(reply, url)
            if following is None or origin(following) != origin(answered.action):
                break
            reply, url = visit.get(following), following
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise AccessDenied(f"{visit.what('POST', answered.action)}: {reply.status}.", hint="ask the provider")

    def _seconds(self, assertion: Assertion, now: datetime) -> float:
        lifetime = self._options.lifetime.total_seconds()
        end = assertion.session_ends_at
        return min(lifetime, max((end - now).total_seconds(), 1.0)) if end else lifetime

    def _start(self) -> str:
        return absolute(self._options.start_url, self._grant, key="startUrl")


def person(otp: OtpOptions | None, credentials: Credentials, grant: Grant) -> Person:
    """Who logs in, by the connection."""
    codes = Codes(otp, credentials, grant.clock) if otp else None
    return Person(
        login=credentials.login(),
        password=credentials.password(),
        code=codes.unused if codes else None,
        code_field=(otp.parameter if otp else None) or "otp",
    )

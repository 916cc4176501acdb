"""A login of the API's own: credentials are posted once, and a token or cookie goes with each request from then on.

```yaml
auth:
  method: session
  loginUrl: /auth/login
  body: json
  loginField: username
  passwordField: password
  tokenPath: data.token
  header: Authorization
  prefix: "Bearer "
  lifetime: 30m
```

Without `tokenPath`, the cookies that the login sets are the session.
"""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import Field, field_validator

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Reply, Signer
from finport_ingestion.engine.auth.oauth.answers import json_object
from finport_ingestion.engine.auth.oauth.discovery import absolute
from finport_ingestion.engine.auth.otp import Codes, OtpOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.sso.visit import Visit
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.options import AuthOptions


class SessionOptions(AuthOptions):
    """Where to log in, and what is carried afterwards."""

    method: Literal["session"]
    connection: str | None = Field(
        default=None, description="Connection with login and password; the source's by default."
    )
    login_url: str = Field(description="Absolute, or below the source's base URL.")
    body: Literal["json", "form"] = Field(default="json", description="How the credentials are written.")
    login_field: str = Field(default="username", description="Field that takes the login.")
    password_field: str = Field(default="password", description="Field that takes the password.")
    more: dict[str, str] = Field(default_factory=dict, repr=False, description="What else the login wants to be told.")
    token_path: str | None = Field(
        default=None, description="JMESPath of the token in the answer; without it, cookies."
    )
    header: str = Field(default="Authorization", description="Header that takes the token.")
    prefix: str = Field(default="Bearer ", description="What stands before it.")
    lifetime: Duration = Field(default=parse_duration("30m"), description="Of a session.")
    otp: OtpOptions | None = Field(default=None, description="The second factor, if there is one.")

    @field_validator("token_path")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                jmespath.compile(value)
        except JMESPathError as error:
            raise ValueError("no JMESPath") from error
        return value


class Session:
    """See the module."""

    Options = SessionOptions

    def __init__(self, options: SessionOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """The session's token or cookies on each request.

        Raises:
            ConfigError: Login or password is missing, or the address is unsafe.
        """
        credentials, options = Credentials(self._grant), self._options
        credentials.login()
        credentials.password()
        tokens = SharedTokens(_Logins(options, self._grant, credentials), self._grant)
        if options.token_path is None:
            return Carried(tokens, header="Cookie", prefix="")
        return Carried(tokens, header=options.header, prefix=options.prefix)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class _Logins:
    """A TokenSource."""

    rotates = False

    def __init__(self, options: SessionOptions, grant: Grant, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._credentials = credentials

    def identity(self) -> tuple[str, ...]:
        return "session", self._url(), self._credentials.login()

    def secret(self) -> bytes:
        return self._credentials.password().encode()

    def origin(self) -> str:
        return ""

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        url, now, lifetime = self._url(), self._grant.clock.now(), self._options.lifetime.total_seconds()
        visit = Visit(self._grant, origins=(url,))
        headers, fields = self._wanted()
        if self._options.body == "json":
            body, headers["Content-Type"] = json.dumps(fields).encode(), "application/json"
        else:
            body, headers["Content-Type"] = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        reply = visit.post_body(url, body, {"Accept": "application/json", **headers})
        text = self._token(reply) if self._options.token_path else visit.cookies_for(url)
        if not text or (self._options.token_path and reply.status >= HTTPStatus.MULTIPLE_CHOICES):
            raise AccessDenied(
                f"{visit.what('POST', url)} gives no session (status {reply.status}).",
                hint="check the connection's login and password, and tokenPath of the Authentication",
            )
        return Token.lasting(text, seconds=lifetime, since=now)

    def _wanted(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and fields of the login."""
        options, credentials = self._options, self._credentials
        password, headers = credentials.password(), dict[str, str]()
        fields = {**options.more, options.login_field: credentials.login()}
        if options.otp:
            code = Codes(options.otp, credentials, self._grant.clock).unused()
            password += code if options.otp.append else ""
            headers |= {options.otp.header: code} if options.otp.header else {}
            fields |= {options.otp.parameter: code} if options.otp.parameter else {}
        return headers, fields | {options.password_field: password}

    def _token(self, reply: Reply) -> str:
        found = jmespath.search(str(self._options.token_path), json_object(reply))
        return found if isinstance(found, str) else ""

    def _url(self) -> str:
        return absolute(self._options.login_url, self._grant, key="loginUrl")

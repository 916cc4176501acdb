"""OAuth 2.0 device authorization (RFC 8628): a person agrees once, on any device, and that serves for long.

```yaml
auth: {method: oauth2_device, issuer: https://login.vendor.example, scopes: [offline_access, prices]}
```

`begin` gives the code that the person types in, and the address where; `poll` waits for the consent and keeps what
comes of it, sealed, in the state database. Of a client without a secret (`clientAuthentication: none`) the connection's
password is any long random text: it only seals the tokens.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.oauth.answers import error_code, json_object, refusal, token_of
from finport_ingestion.engine.auth.oauth.client import OAuthClient
from finport_ingestion.engine.auth.oauth.discovery import absolute
from finport_ingestion.engine.auth.oauth.options import TokenServerOptions
from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.errors import AccessDenied, FormatError, PermanentError

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_SECONDS, _SLOWER_SECONDS, _LIFETIME_SECONDS = 5.0, 5.0, 600.0
_ORIGIN = "device"


class DeviceOptions(TokenServerOptions):
    """Client id and secret come from the connection's login and password, or from `${ENVIRONMENT}`."""

    method: Literal["oauth2_device"]
    device_url: str | None = Field(
        default=None, description="Where a code is asked for; with `issuer` its metadata name it."
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.issuer is None and self.device_url is None:
            raise ValueError("state 'deviceUrl' beside 'tokenUrl'")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a person is told, and what proves afterwards that it was us who asked."""

    user_code: str
    url: str
    url_with_code: str | None
    ends_at: datetime
    interval_seconds: float
    code: str = field(repr=False)


class Device:
    """See the module."""

    Options = DeviceOptions

    def __init__(self, options: DeviceOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant
        self._credentials = Credentials(grant)
        self._client = OAuthClient(options, grant, self._credentials)

    def signer(self) -> Signer:
        """A bearer token on each request, by the consent that a person gave.

        Raises:
            ConfigError: Id, secret or address of the token server is missing or unsafe.
        """
        self._client.check()
        return Carried(self._tokens())

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

    def begin(self) -> DeviceCode:
        """Ask for a code, which a person then types in.

        Raises:
            AccessDenied, SourceUnavailable, ConfigError: The server gives none.
        """
        url, now = self._device_url(), self._grant.clock.now()
        reply = self._client.post(url, self._client.asked_for())
        what = f"{self._grant.source}: POST {urlsplit(url).path} (device code) at {urlsplit(url).netloc}"
        if reply.status != HTTPStatus.OK:
            raise refusal(reply, what=what, check=self._client.to_check(), now=now)
        answer = json_object(reply)
        texts = {name: answer.get(name) for name in ("device_code", "user_code", "verification_uri")}
        if not all(isinstance(text, str) and text for text in texts.values()):
            raise FormatError(f"{what}: the answer holds no code.", hint="check deviceUrl of the Authentication")
        complete = answer.get("verification_uri_complete")
        return DeviceCode(
            user_code=str(texts["user_code"]),
            url=str(texts["verification_uri"]),
            url_with_code=complete if isinstance(complete, str) else None,
            ends_at=now + timedelta(seconds=_number(answer.get("expires_in"), _LIFETIME_SECONDS)),
            interval_seconds=_number(answer.get("interval"), _INTERVAL_SECONDS),
            code=str(texts["device_code"]),
        )

    def poll(self, code: DeviceCode) -> None:
        """Wait until the person has agreed, and keep the tokens.

        Raises:
            AccessDenied: The person refuses, or the code has ended.
            PermanentError: The server gives no refresh token.
        """
        interval = code.interval_seconds
        while self._grant.clock.now() < code.ends_at:
            self._grant.clock.sleep(interval)
            token, slower = self._asked(code)
            if token:
                return self._keep(token)
            interval += _SLOWER_SECONDS if slower else 0
        raise AccessDenied(f"{self._grant.source}: nobody agreed in time.", hint="begin again")

    def _asked(self, code: DeviceCode) -> tuple[Token | None, bool]:
        """The token, if there is one yet; and whether we ask too often."""
        url, now = self._client.url(), self._grant.clock.now()
        reply = self._client.post(url, {"grant_type": GRANT, "device_code": code.code})
        waiting = error_code(reply)
        if waiting in ("authorization_pending", "slow_down"):
            return None, waiting == "slow_down"
        what = self._client.what(url)
        return token_of(reply, what=what, check="what the person was shown", asked_at=now), False

    def _keep(self, token: Token) -> None:
        if not token.refresh:
            raise PermanentError(
                f"{self._grant.source}: the consent brings no refresh token.", hint="ask for the scope offline_access"
            )
        self._tokens().keep(replace(token, origin=_ORIGIN))

    def _device_url(self) -> str:
        if self._options.device_url:
            return absolute(self._options.device_url, self._grant, key="deviceUrl")
        return self._client.url("device_authorization_endpoint")

    def _tokens(self) -> SharedTokens:
        return SharedTokens(_AgreedTokens(self._client, self._credentials, self._grant.source), self._grant)


class _AgreedTokens:
    """A TokenSource that begins with a person's consent."""

    rotates = True

    def __init__(self, client: OAuthClient, credentials: Credentials, source: str) -> None:
        self._client = client
        self._credentials = credentials
        self._source = source

    def identity(self) -> tuple[str, ...]:
        return self._client.identity()

    def secret(self) -> bytes:
        return self._client.secret()

    def origin(self) -> str:
        return _ORIGIN

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        if kept is None or not kept.refresh:
            raise AccessDenied(
                f"{self._source}: nobody has agreed yet that this client may read, or its secret has changed since.",
                hint=f"run 'finport source authorize {self._source}'",
            )
        token = self._client.token({"grant_type": "refresh_token", "refresh_token": kept.refresh})
        return replace(token, refresh=token.refresh or kept.refresh, origin=_ORIGIN)


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise

"""HTTP Basic (RFC 7617), from the connection's login and password.

```yaml
auth: {method: basic}
```

With a second factor, whose secret is `otp_secret` in the connection's extra:

```yaml
auth: {method: basic, otp: {header: X-OTP}}
```
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request, Signer
from finport_ingestion.engine.auth.otp import Codes, OtpOptions
from finport_ingestion.engine.auth.signing import FromConnection, with_headers, with_parameters
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import AuthOptions


class BasicOptions(AuthOptions):
    """Whose login and password."""

    method: Literal["basic"]
    connection: str | None = Field(default=None, description="The source's connection by default.")
    otp: OtpOptions | None = Field(default=None, description="The second factor, if there is one.")


class Basic:
    """See the module."""

    Options = BasicOptions

    def __init__(self, options: BasicOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> Signer:
        """Login and password on each request, in UTF-8.

        Raises:
            ConfigError: The connection has none, or the login holds a colon.
        """
        credentials = Credentials(self._grant)
        if ":" in credentials.login():
            raise ConfigError(f"{self._grant.source}: a login for HTTP Basic holds no colon.", hint="check the login")
        credentials.password()
        otp = self._options.otp
        codes = Codes(otp, credentials, self._grant.clock) if otp else None

        def sign(request: Request) -> Request:
            code = codes.current() if codes else ""
            password = credentials.password() + (code if otp and otp.append else "")
            pair = b64encode(f"{credentials.login()}:{password}".encode()).decode()
            signed = with_headers(request, {"Authorization": f"Basic {pair}"})
            if otp and otp.header:
                signed = with_headers(signed, {otp.header: code})
            return with_parameters(signed, {otp.parameter: code}) if otp and otp.parameter else signed

        return FromConnection(credentials, sign)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

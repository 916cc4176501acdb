"""A token that a provider handed out once: the connection's password, as a bearer token (RFC 6750).

```yaml
auth: {method: bearer}
```

A token that is a JWT says when it ends: it is refused here, by name, before a server refuses it.
"""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request, Signer
from finport_ingestion.engine.auth.signing import FromConnection, with_headers
from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.options import AuthOptions

_JWT_PARTS = 3


class BearerOptions(AuthOptions):
    """Whose token."""

    method: Literal["bearer"]
    connection: str | None = Field(
        default=None, description="Connection whose password is the token; the source's by default."
    )


class BearerToken:
    """See the module."""

    Options = BearerOptions

    def __init__(self, options: BearerOptions, grant: Grant) -> None:
        self._grant = grant

    def signer(self) -> Signer:
        """The token on each request.

        Raises:
            ConfigError: The connection has no password.
        """
        credentials = Credentials(self._grant)
        credentials.password()

        def sign(request: Request) -> Request:
            token = credentials.password()
            if self._has_ended(token) and credentials.reread():
                token = credentials.password()
            if self._has_ended(token):
                raise AccessDenied(
                    f"{self._grant.source}: the token in {credentials.place} ended at {_end_of(token)}.",
                    hint="put a new token into the connection's password",
                )
            return with_headers(request, {"Authorization": f"Bearer {token}"})

        return FromConnection(credentials, sign)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

    def _has_ended(self, token: str) -> bool:
        end = _end_of(token)
        return end is not None and end <= self._grant.clock.now()


def _end_of(token: str) -> datetime | None:
    """When a JWT says that it ends. It is for its server to trust: nothing is verified here."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None

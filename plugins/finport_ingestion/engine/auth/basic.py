"""HTTP Basic (RFC 7617), from the connection's login and password.

```yaml
auth: {method: basic}
```
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import login_of, secret_of
from finport_ingestion.engine.auth.interface import Grant, Signer
from finport_ingestion.engine.auth.signing import FixedHeaders
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import AuthOptions


class BasicOptions(AuthOptions):
    """Whose login and password."""

    method: Literal["basic"]
    connection: str | None = Field(default=None, description="The source's connection by default.")


class Basic:
    """See the module."""

    Options = BasicOptions

    def __init__(self, options: BasicOptions, grant: Grant) -> None:
        self._grant = grant

    def signer(self) -> Signer:
        """Login and password on each request, in UTF-8.

        Raises:
            ConfigError: The connection has none, or the login holds a colon.
        """
        login = login_of(self._grant)
        if ":" in login:
            raise ConfigError(f"{self._grant.source}: a login for HTTP Basic holds no colon.", hint="check the login")
        pair = b64encode(f"{login}:{secret_of(self._grant)}".encode()).decode()
        return FixedHeaders({"Authorization": f"Basic {pair}"})

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

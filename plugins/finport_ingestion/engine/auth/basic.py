"""HTTP Basic (RFC 7617), from the connection's login and password.

```yaml
auth: {method: basic}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import login_of, secret_of
from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import AuthOptions

if TYPE_CHECKING:
    import httpx


class BasicOptions(AuthOptions):
    """Whose login and password."""

    method: Literal["basic"]
    connection: str | None = Field(default=None, description="The source's connection by default.")


class Basic:
    """See the module."""

    Options = BasicOptions

    def __init__(self, options: BasicOptions, grant: Grant) -> None:
        self._grant = grant

    def httpx_auth(self) -> httpx.Auth:
        """Login and password on each request.

        Raises:
            ConfigError: The connection has none, or the login holds a colon.
        """
        import httpx

        login = login_of(self._grant)
        if ":" in login:
            raise ConfigError(f"{self._grant.source}: a login for HTTP Basic holds no colon.", hint="check the login")
        return httpx.BasicAuth(login, secret_of(self._grant))

"""A key in a header or in the query, from the connection's password.

```yaml
auth: {method: api_key, header: X-Api-Key}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.auth.credentials import secret_of
from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.options import AuthOptions

if TYPE_CHECKING:
    import httpx


class ApiKeyOptions(AuthOptions):
    """Where the key is sent."""

    method: Literal["api_key"]
    connection: str | None = Field(
        default=None, description="Connection whose password is the key; the source's by default."
    )
    header: str | None = Field(default=None, description="Header that takes the key.")
    parameter: str | None = Field(default=None, description="Query parameter that takes the key.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("state either 'header' or 'parameter'")
        return self


class ApiKey:
    """See the module."""

    Options = ApiKeyOptions

    def __init__(self, options: ApiKeyOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def httpx_auth(self) -> httpx.Auth:
        """The key on each request.

        Raises:
            ConfigError: The connection has no password.
        """
        from finport_ingestion.engine.auth.signing import HeaderKey, QueryKey

        key = secret_of(self._grant)
        if self._options.header:
            return HeaderKey(self._options.header, key)
        return QueryKey(str(self._options.parameter), key)

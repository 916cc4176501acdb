"""A key in a header or in the query, from the connection's password.

```yaml
auth: {method: api_key, header: X-Api-Key}
```
"""

from __future__ import annotations

import ssl
from typing import Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request, Signer
from finport_ingestion.engine.auth.signing import FromConnection, with_headers, with_parameters
from finport_ingestion.engine.options import AuthOptions


class ApiKeyOptions(AuthOptions):
    """Where the key is sent."""

    method: Literal["api_key"]
    connection: str | None = Field(
        default=None, description="Connection whose password is the key; the source's by default."
    )
    header: str | None = Field(default=None, description="Header that takes the key.")
    prefix: str = Field(default="", description="What stands before the key in the header, e.g. `Token `.")
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

    def signer(self) -> Signer:
        """The key on each request.

        Raises:
            ConfigError: The connection has no password.
        """
        credentials, options = Credentials(self._grant), self._options
        credentials.password()

        def sign(request: Request) -> Request:
            key = credentials.password()
            if options.header:
                return with_headers(request, {options.header: f"{options.prefix}{key}"})
            return with_parameters(request, {str(options.parameter): key})

        return FromConnection(credentials, sign)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""

"""Mutual TLS: a client certificate and nothing else, from files or from the connection.

```yaml
auth: {method: mtls, connection: vendor_certificate}
```

The connection's extra names `client_cert_file` and `client_key_file` (PEM; the key may stand in the former), or holds
`client_certificate` itself, with the key as password. Files that change are loaded again.
"""

from __future__ import annotations

import ssl
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.auth.certificate import ClientCertificate
from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request, Signer
from finport_ingestion.engine.options import AuthOptions


class MtlsOptions(AuthOptions):
    """Whose certificate."""

    method: Literal["mtls"]
    connection: str | None = Field(
        default=None, description="Connection with the certificate; the source's by default."
    )


class Mtls:
    """See the module."""

    Options = MtlsOptions

    def __init__(self, options: MtlsOptions, grant: Grant) -> None:
        self._credentials = Credentials(grant)
        self._certificate = ClientCertificate(self._credentials, grant)

    def signer(self) -> Signer:
        """Nothing in the requests.

        Raises:
            ConfigError: The connection has no certificate.
        """
        if self._credentials.stated("client_cert_file") is None:
            self._credentials.password()
            self._credentials.needed("client_certificate")
        return _Unsigned()

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Load the certificate.

        Raises:
            ConfigError: It cannot be read, or its key does not fit.
            AccessDenied: It has expired.
        """
        self._certificate.load_into(tls)


class _Unsigned:
    def signed(self, request: Request) -> Request:
        return request

    def renew(self, rejected: Request) -> bool:
        return False

"""AWS Signature Version 4, as API Gateway, S3 and other services of AWS want it.

```yaml
auth: {method: aws_sigv4, service: execute-api, region: eu-central-1}
```

Access key and secret key are the connection's login and password; a session token is `aws_session_token` in its extra.
"""

from __future__ import annotations

import dataclasses
import ssl
from typing import Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request
from finport_ingestion.engine.errors import UnknownPlugin
from finport_ingestion.engine.options import AuthOptions


class AwsOptions(AuthOptions):
    """Which service of which region."""

    method: Literal["aws_sigv4"]
    connection: str | None = Field(
        default=None, description="Connection with access key and secret key; the source's by default."
    )
    service: str = Field(description="As the signature names it, e.g. `execute-api` or `s3`.")
    region: str = Field(description="E.g. `eu-central-1`.")


class AwsSigV4:
    """See the module."""

    Options = AwsOptions

    def __init__(self, options: AwsOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> AwsSigner:
        """A signature on each request.

        Raises:
            ConfigError: A key is missing.
            UnknownPlugin: botocore is not installed.
        """
        try:
            import botocore.auth  # noqa: F401
        except ModuleNotFoundError as error:
            raise UnknownPlugin(
                f"{self._grant.source}: aws_sigv4 needs botocore.",
                hint="pip install 'airflow-provider-finport-ingestion[aws]'",
            ) from error
        credentials = Credentials(self._grant)
        credentials.login()
        credentials.password()
        return AwsSigner(self._options, credentials)

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class AwsSigner:
    """Signs with botocore, by this machine's clock: AWS allows five minutes of difference."""

    def __init__(self, options: AwsOptions, credentials: Credentials) -> None:
        self._options = options
        self._credentials = credentials

    def signed(self, request: Request) -> Request:
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials as AwsCredentials

        request = dataclasses.replace(request, url=_canonical(request.url))
        keys = AwsCredentials(
            self._credentials.login(), self._credentials.password(), self._credentials.stated("aws_session_token")
        )
        kind = S3SigV4Auth if self._options.service == "s3" else SigV4Auth
        # Only what will reach the server as it is written here may be signed.
        carrier = AWSRequest(method=request.method, url=request.url, data=request.body)
        kind(keys, self._options.service, self._options.region).add_auth(carrier)
        made = dict(carrier.headers.items())
        names = {name.lower() for name in made}
        kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
        return dataclasses.replace(request, headers={**kept, **made})

    def renew(self, rejected: Request) -> bool:
        """Whether the connection holds other keys by now."""
        return self._credentials.reread()


def _canonical(url: str) -> str:
    """The URL with its query as the signature spells it: `+` is read as a plus by some and as a space by others."""
    address = urlsplit(url)
    pairs = [pair.partition("=") for pair in address.query.split("&") if pair]
    spelled = [
        f"{quote(unquote(name.replace('+', ' ')), safe='-_.~')}={quote(unquote(value.replace('+', ' ')), safe='-_.~')}"
        for name, _, value in pairs
    ]
    return urlunsplit(address._replace(query="&".join(spelled)))

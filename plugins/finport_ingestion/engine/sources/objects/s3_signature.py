"""A HEAD request as S3 wants it signed, that asks for the checksum which was uploaded with an object."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore.store import S3Credential


def signed_head(url: str, *, region: str, credentials: S3Credential | None) -> Mapping[str, str]:
    """The headers of the request; not signed for who has no credentials."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    wanted = {"x-amz-checksum-mode": "ENABLED"}
    if credentials is None:
        return wanted
    # At DEBUG it writes down what it signs, and so the session token.
    logging.getLogger("botocore.auth").addFilter(_nothing)
    request = AWSRequest(method="HEAD", url=url, headers=wanted)
    keys = Credentials(credentials["access_key_id"], credentials["secret_access_key"], credentials.get("token"))
    S3SigV4Auth(keys, "s3", region).add_auth(request)
    return dict(request.headers.items())


def _nothing(_: logging.LogRecord) -> bool:
    return False

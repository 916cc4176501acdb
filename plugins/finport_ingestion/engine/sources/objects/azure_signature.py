"""A shared access signature for one blob. obstore's own is wrong for names that a URL has to escape."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

VERSION = "2023-11-03"

_VALID_FOR = timedelta(minutes=5)


def signature(account: str, container: str, name: str, *, key: str, now: datetime) -> str:
    """The query that lets its holder read the blob `name` for some minutes: a secret.

    Raises:
        ValueError: The key is not Base64.
    """
    # The fields and their order: "Create a service SAS", version 2020-12-06 and later.
    ends = f"{(now + _VALID_FOR).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    resource = f"/blob/{account}/{container}/{name}"
    fields = ["r", "", ends, resource, "", "", "", VERSION, "b", *[""] * 7]
    digest = hmac.new(base64.b64decode(key, validate=True), "\n".join(fields).encode(), hashlib.sha256).digest()
    return urlencode({"sp": "r", "se": ends, "sv": VERSION, "sr": "b", "sig": base64.b64encode(digest).decode("ascii")})

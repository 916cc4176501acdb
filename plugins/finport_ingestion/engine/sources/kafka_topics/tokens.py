"""Bearer tokens for SASL OAUTHBEARER, out of the source's Authentication."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta

from finport_ingestion.engine.auth.interface import Request
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.sources.interface import Access

_SHORT = timedelta(minutes=5)
_BEARER = "Bearer "


def bearer_tokens(access: Access, *, what: str) -> Callable[[], tuple[str, float]]:
    """Gives a token that is good for a while, and until when, in epoch seconds.

    The methods sign HTTP requests: one is signed here that is never sent, and its Authorization header holds the token.

    Raises:
        ConfigError: The connection lacks what the method needs. The call also where the method gives no bearer token;
            AccessDenied, SourceUnavailable: the token server refuses it, or does not answer.
    """
    from finport_ingestion.engine.sources.web.signing import signer_of

    tls = client_tls(access.protection, source=access.source)
    signer = signer_of(access, base_url="https://kafka.invalid", tls=tls)
    nothing = Request(method="GET", url="https://kafka.invalid/")

    def token() -> tuple[str, float]:
        headers = signer.signed(nothing).headers if signer else {}
        stated = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
        if not stated.startswith(_BEARER):
            raise ConfigError(
                f"{what}: its Authentication gives no bearer token.",
                hint="use an OAuth 2.0 method, or login and password",
            )
        text = stated.removeprefix(_BEARER)
        return text, _ends_at(text, access)

    return token


def _ends_at(token: str, access: Access) -> float:
    """What a JWT says itself, unverified, for that is the broker's; else a short while."""
    try:
        body = token.split(".")[1]
        return float(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return (access.deadline.clock.now() + _SHORT).timestamp()

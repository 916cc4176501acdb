"""Who may ask: the check of each way to prove it that shipped documents use."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from finport_ingestion.engine.options import AuthOptions
from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.web_replies import Reply, Request, error_reply, reply_of
from tests.services.web_tokens import TokenEndpoint

LOGIN = "finport"
Route = Callable[[Request], Reply]


def token_endpoint() -> TokenEndpoint:
    """A token server that knows our client."""
    return TokenEndpoint(client_id=LOGIN, client_secret=PLANTED_SECRET)


def guarded(route: Route, auth: AuthOptions | None, tokens: TokenEndpoint) -> Route:
    """`route` for those who prove themselves as `auth` says, 401 for others."""
    if auth is None:
        return route
    if auth.method == "oauth2_client_credentials":
        return tokens.protect(route)
    allows = _CHECKS[auth.method]

    def answer(request: Request) -> Reply:
        return reply_of(route, request) if allows(auth, request) else error_reply(HTTPStatus.UNAUTHORIZED)

    return answer


def _has_key(auth: Any, request: Request) -> bool:
    if auth.parameter:
        return request.parameter(auth.parameter) == PLANTED_SECRET
    return request.headers.get(auth.header.lower()) == f"{auth.prefix}{PLANTED_SECRET}"


def _has_login(auth: Any, request: Request) -> bool:
    pair = base64.b64encode(f"{LOGIN}:{PLANTED_SECRET}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {pair}"


def _has_token(auth: Any, request: Request) -> bool:
    return request.headers.get("authorization") == f"Bearer {PLANTED_SECRET}"


def _is_signed(auth: Any, request: Request) -> bool:
    """Binance's way: HMAC-SHA256 over the query without its signature, in hexadecimal digits."""
    signed = [(name, value) for name, values in request.query.items() for value in values if name != "signature"]
    expected = hmac.new(PLANTED_SECRET.encode(), urlencode(signed).encode(), hashlib.sha256).hexdigest()
    return request.parameter("signature") == expected and request.headers.get("x-mbx-apikey") == LOGIN


_CHECKS = {"api_key": _has_key, "basic": _has_login, "bearer": _has_token, "hmac": _is_signed}

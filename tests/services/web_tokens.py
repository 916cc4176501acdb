"""An OAuth2 endpoint (client credentials, RFC 6749 section 4.4) with tokens that expire, and routes that want one."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote_plus

from tests.services.web_replies import Answer, Reply, Request, Route, json_reply, reply_of


class TokenEndpoint:
    """A route for `POST /token`; `protect` makes other routes want its tokens.

    Credentials are taken by HTTP Basic or in the body, as clients may choose. `issued` counts the tokens given out:
    a client that keeps its token until it expires makes it grow by one.
    """

    def __init__(
        self,
        *,
        client_id: str = "finport-tests",
        client_secret: str = "a secret: with / reserved + characters",
        lifetime_seconds: float = 3600,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.lifetime_seconds = lifetime_seconds
        self.issued = 0
        self._expires: dict[str, float] = {}

    def __call__(self, request: Request) -> Answer:
        """Give out a token, or the error that the RFC names."""
        if request.method != "POST":
            return json_reply({"error": "invalid_request"}, status=HTTPStatus.METHOD_NOT_ALLOWED)
        form = request.form()
        if _credentials(request, form) != (self.client_id, self.client_secret):
            challenge = {"WWW-Authenticate": 'Basic realm="tokens"'}
            return json_reply({"error": "invalid_client"}, status=HTTPStatus.UNAUTHORIZED, headers=challenge)
        if form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"}, status=HTTPStatus.BAD_REQUEST)
        token = secrets.token_urlsafe(24)
        self._expires[token] = time.monotonic() + self.lifetime_seconds
        self.issued += 1
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime_seconds)}
        if "scope" in form:
            granted["scope"] = form["scope"]
        return json_reply(granted, headers={"Cache-Control": "no-store"})

    def is_valid(self, token: str) -> bool:
        """Whether we gave out this token and it has not expired."""
        return self._expires.get(token, 0.0) > time.monotonic()

    def revoke_all(self) -> None:
        """Let every token end at once, before the time that its client was told."""
        self._expires.clear()

    def protect(self, route: Route) -> Callable[[Request], Reply]:
        """`route` for requests with a valid bearer token, 401 for others."""

        def answer(request: Request) -> Reply:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and self.is_valid(token):
                return reply_of(route, request)
            challenge = {"WWW-Authenticate": 'Bearer realm="prices", error="invalid_token"'}
            return json_reply({"error": "invalid_token"}, status=HTTPStatus.UNAUTHORIZED, headers=challenge)

        return answer


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    # RFC 6749 section 2.3.1: both are urlencoded before they are joined; clients that do not encode are read as well
    # unless their secret holds "%" or "+".
    return unquote_plus(client_id), unquote_plus(client_secret)

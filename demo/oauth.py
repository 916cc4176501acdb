"""The OAuth2 authorization server of the demo's API: the client credentials grant (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from typing import Final
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

TOKEN_SECONDS: Final = 300


class AuthorizationServer:
    """Gives opaque bearer tokens to one client and knows which of them are valid."""

    def __init__(self, *, client_id: str, client_secret: str) -> None:
        self._client = (client_id, client_secret)
        self._expiry_by_token: dict[str, float] = {}

    async def token(self, request: Request) -> Response:
        """`POST /oauth/token`: the client's id and secret by HTTP Basic or in the form."""
        form = {key: values[-1] for key, values in parse_qs((await request.body()).decode("ascii", "replace")).items()}
        client = _client_of(request.headers.get("authorization"), form=form)
        if client is None:
            return _refusal("invalid_request", "give client id and secret once: by HTTP Basic or in the form")
        if not self._is_client(client):
            return _refusal("invalid_client", "client id or secret is wrong", status=401)
        if form.get("grant_type") != "client_credentials":
            return _refusal("unsupported_grant_type", "grant_type has to be client_credentials")
        return _answer(
            {"access_token": self._issue(), "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "scope": "market:read"}
        )

    def is_valid(self, token: str) -> bool:
        return self._expiry_by_token.get(token, 0.0) > time.monotonic()

    def _is_client(self, client: tuple[str, str]) -> bool:
        # Both are compared whatever the first says, so that time tells nothing about the secret.
        matches = [
            hmac.compare_digest(given.encode(), own.encode()) for given, own in zip(client, self._client, strict=True)
        ]
        return all(matches)

    def _issue(self) -> str:
        now = time.monotonic()
        self._expiry_by_token = {token: expiry for token, expiry in self._expiry_by_token.items() if expiry > now}
        token = secrets.token_urlsafe(32)
        self._expiry_by_token[token] = now + TOKEN_SECONDS
        return token


def bearer_token(authorization: str | None) -> str | None:
    """The token of an `Authorization` header, None when it holds none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _client_of(authorization: str | None, *, form: dict[str, str]) -> tuple[str, str] | None:
    in_form = (form["client_id"], form["client_secret"]) if form.keys() >= {"client_id", "client_secret"} else None
    in_header = _basic(authorization)
    if in_form and in_header:
        return None
    return in_header or in_form


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    # RFC 6749, 2.3.1: both are form-encoded before they are put together.
    return (unquote_plus(name), unquote_plus(secret)) if colon else None


def _refusal(error: str, description: str, *, status: int = 400) -> Response:
    response = _answer({"error": error, "error_description": description}, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="finport-demo"'
    return response


def _answer(content: dict[str, str | int], *, status: int = 200) -> Response:
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

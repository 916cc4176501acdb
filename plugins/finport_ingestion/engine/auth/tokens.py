"""Tokens of an OAuth 2.0 token server, kept by this process until shortly before they end."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote_plus, urlencode, urlsplit

from finport_ingestion.engine.auth.interface import Grant, Reply, Request
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceUnavailable,
)
from finport_ingestion.engine.resilience.wire import retry_after_seconds

_AHEAD = timedelta(seconds=60)
_AHEAD_SHARE = 0.1
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_REFUSED = {"invalid_client", "unauthorized_client", "access_denied", "invalid_grant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Who asks whom for what."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str | None = None
    in_body: bool = False

    def cache_key(self) -> tuple[str, ...]:
        """Differs for a changed secret too, so that a token of the old one does not hide that the new one is wrong."""
        secret = hashlib.sha256(self.client_secret.encode()).hexdigest()
        return self.url, self.client_id, self.scope, self.audience or "", secret

    def headers(self) -> dict[str, str]:
        """How the client proves itself, unless it does so in the body."""
        if self.in_body:
            return {"Accept": "application/json"}
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return {"Accept": "application/json", "Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def form(self) -> dict[str, str]:
        """The body."""
        fields = {"grant_type": "client_credentials"}
        fields |= {"scope": self.scope} if self.scope else {}
        fields |= {"audience": self.audience} if self.audience else {}
        return fields | ({"client_id": self.client_id, "client_secret": self.client_secret} if self.in_body else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str = field(repr=False)
    renew_at: datetime | None  # None: the server does not say when it ends; a 401 will


_cache: dict[tuple[str, ...], _Token] = {}
_cache_lock = threading.Lock()


class ClientTokens:
    """The tokens of one client. All threads of the process share them; one of them fetches."""

    def __init__(self, request: TokenRequest, grant: Grant) -> None:
        self._request = request
        self._grant = grant

    def current(self) -> str:
        """The kept token, or a new one when that is about to end.

        Raises:
            AccessDenied: The token server knows neither id nor secret, or refuses what is asked for.
            SourceUnavailable: It does not answer, or not now.
        """
        with _cache_lock:
            token = _cache.get(self._request.cache_key())
            if token and (token.renew_at is None or self._grant.clock.now() < token.renew_at):
                return token.text
            return self._fetch()

    def renewed(self, rejected: str) -> str:
        """A new token, or the kept one if another thread has renewed it since. Raises as `current`."""
        with _cache_lock:
            token = _cache.get(self._request.cache_key())
            if token and token.text != rejected:
                return token.text
            return self._fetch()

    def _fetch(self) -> str:
        _cache.pop(self._request.cache_key(), None)
        asked_at = self._grant.clock.now()
        token = self._token(self._post(), asked_at=asked_at)
        _cache[self._request.cache_key()] = token
        return token.text

    def _post(self) -> Reply:
        request = self._request
        headers = {**request.headers(), "Content-Type": "application/x-www-form-urlencoded"}
        return self._grant.send(
            Request(method="POST", url=request.url, headers=headers, body=urlencode(request.form()).encode())
        )

    def _what(self) -> str:
        address = urlsplit(self._request.url)
        return f"{self._grant.source}: POST {address.path} (token) at {address.netloc.rpartition('@')[2]}"

    def _token(self, reply: Reply, *, asked_at: datetime) -> _Token:
        answer = _json_object(reply)
        if reply.status != HTTPStatus.OK:
            raise self._refusal(reply, answer)
        text, kind = answer.get("access_token"), str(answer.get("token_type", "bearer"))
        if not isinstance(text, str) or not text or kind.lower() != "bearer":
            raise FormatError(
                f"{self._what()}: the answer holds no bearer token.", hint="check tokenUrl of the Authentication"
            )
        return _Token(text=text, renew_at=_renew_at(answer.get("expires_in"), asked_at))

    def _refusal(self, reply: Reply, answer: dict[str, object]) -> FinportError:
        status, code = reply.status, str(answer.get("error", ""))
        # Only a code as the RFC writes it is repeated: a description may quote what was sent.
        code = code if _ERROR_CODE.fullmatch(code) else ""
        what = f"{self._what()}: the token server answers {status}{f' ({code})' if code else ''}."
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after_seconds(reply.headers.get("retry-after"), now=self._grant.clock.now())
            return RateLimited(what, retry_after_seconds=wait, hint="ask for tokens less often")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return SourceUnavailable(what, hint="try later; ask the provider if it lasts")
        if code in _REFUSED or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AccessDenied(what, hint=f"check client id and secret {self._place()}")
        if code == "invalid_scope":
            return AccessDenied(what, hint="ask for scopes that the client has been given")
        if status == HTTPStatus.NOT_FOUND or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ConfigError(what, hint="check tokenUrl of the Authentication")
        return PermanentError(what, hint="check tokenUrl, scopes and clientAuthentication of the Authentication")

    def _place(self) -> str:
        connection = self._grant.connection
        return f"(login and password of connection '{connection.id}')" if connection else "of the Authentication"


def _json_object(reply: Reply) -> dict[str, object]:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _renew_at(expires_in: object, asked_at: datetime) -> datetime | None:
    try:
        lifetime = timedelta(seconds=float(str(expires_in)))
    except (ValueError, OverflowError):
        return None
    return asked_at + lifetime - min(_AHEAD, lifetime * _AHEAD_SHARE)

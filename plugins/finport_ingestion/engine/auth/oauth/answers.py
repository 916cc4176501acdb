"""What a token server answers, as a token or as an error of its kind."""

from __future__ import annotations

import json
import re
from datetime import datetime
from http import HTTPStatus

from finport_ingestion.engine.auth.interface import Reply
from finport_ingestion.engine.auth.tokens import Token
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

_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_REFUSED = {"invalid_client", "unauthorized_client", "access_denied", "invalid_grant", "expired_token"}


def token_of(reply: Reply, *, what: str, check: str, asked_at: datetime) -> Token:
    """The token in an answer.

    Args:
        what: The request as messages name it.
        check: What to look at when the server refuses, e.g. `client id and secret (... of connection 'vendor')`.

    Raises:
        AccessDenied, RateLimited, SourceUnavailable, ConfigError, PermanentError, FormatError: There is none.
    """
    answer = json_object(reply)
    # Some servers answer 200 whatever they say.
    if reply.status != HTTPStatus.OK or (error_code(reply) and "access_token" not in answer):
        raise refusal(reply, what=what, check=check, now=asked_at)
    text, kind = answer.get("access_token"), str(answer.get("token_type", "bearer"))
    if not isinstance(text, str) or not text or kind.lower() != "bearer":
        raise FormatError(f"{what}: the answer holds no bearer token.", hint="check tokenUrl of the Authentication")
    refresh = answer.get("refresh_token")
    return Token.lasting(
        text,
        seconds=_seconds(answer.get("expires_in")),
        since=asked_at,
        refresh=refresh if isinstance(refresh, str) and refresh else None,
    )


def refusal(reply: Reply, *, what: str, check: str, now: datetime) -> FinportError:
    """What an answer other than 200 stands for."""
    status, code = reply.status, error_code(reply)
    what = f"{what}: the token server answers {status}{f' ({code})' if code else ''}."
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "slow_down":
        wait = retry_after_seconds(reply.headers.get("retry-after"), now=now)
        return RateLimited(what, retry_after_seconds=wait, hint="ask for tokens less often")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return SourceUnavailable(what, hint="try later; ask the provider if it lasts")
    if code in _REFUSED or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AccessDenied(what, hint=f"check {check}")
    if code == "invalid_scope":
        return AccessDenied(what, hint="ask for scopes that the client has been given")
    if status == HTTPStatus.NOT_FOUND or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ConfigError(what, hint="check tokenUrl of the Authentication")
    return PermanentError(what, hint="check tokenUrl, scopes and clientAuthentication of the Authentication")


def error_code(reply: Reply) -> str:
    """The `error` of an answer. Only a code as the RFC writes it: a description may quote what was sent."""
    code = str(json_object(reply).get("error", ""))
    return code if _ERROR_CODE.fullmatch(code) else ""


def json_object(reply: Reply) -> dict[str, object]:
    """The answer as a JSON object; empty where it is none."""
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(expires_in: object) -> float | None:
    try:
        seconds = float(str(expires_in))
    except ValueError:
        return None
    # A lifetime of a thousand years says nothing; NaN and infinity say less.
    return seconds if 0 < seconds < 1e10 else None

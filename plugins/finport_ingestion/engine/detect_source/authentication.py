"""How requests have to prove who asks: by the status, the challenge, and what a refusal says."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from finport_ingestion.engine.detect_source.evidence import Answered, Evidence
from finport_ingestion.engine.detect_source.proposal import About, Proposal, strongest

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_SAID_BYTES = 4096
_HEADER = re.compile(r"\b(X-[A-Za-z0-9-]*(?:key|token)[A-Za-z0-9-]*)", re.IGNORECASE)
_PARAMETER = re.compile(r"\b(api[_-]?key|access_key|app_id|api_token|subscription-key|token)\b", re.IGNORECASE)
_KEY_IS_MISSING = re.compile(
    r"(?:missing|invalid|no|provide|required|supply)[^.{}]{0,40}(?:api[ _-]?key|access[ _-]?key|app[ _-]?id|token)"
    r"|(?:api[ _-]?key|access[ _-]?key|app[ _-]?id|token)[^.{}]{0,40}(?:missing|invalid|required|not)",
    re.IGNORECASE,
)


def authentication(evidence: Evidence) -> Proposal:
    """The method, as the `auth` block of an Authentication document; empty where none is wanted."""
    first = evidence.first
    if first.status in _REFUSED:
        return strongest(_challenged(first) or [_by_words(first)])
    if _is_error(first) and _KEY_IS_MISSING.search(_said(first)):
        return _by_words(first)
    if first.is_good:
        return Proposal(about=About.AUTHENTICATION, confidence=0.9, reasons=(f"it answers {first.status} to anybody",))
    return Proposal(
        about=About.AUTHENTICATION,
        confidence=0.2,
        reasons=(f"it answers {first.status}, which says nothing of authentication",),
    )


def _challenged(answer: Answered) -> list[Proposal]:
    """By the `WWW-Authenticate` header, which may name several schemes."""
    challenge = answer.headers.get("www-authenticate", "")
    found = []
    if re.search(r"(?:^|,\s*)basic\b", challenge, re.IGNORECASE):
        found.append(_proposal({"method": "basic"}, 0.95, "the challenge names the scheme Basic"))
    if re.search(r"(?:^|,\s*)bearer\b", challenge, re.IGNORECASE):
        found.append(_of_bearer(answer, challenge))
    if key := re.search(r"(?:^|,\s*)(?:api-?key|token)\b", challenge, re.IGNORECASE):
        found.append(_proposal(_key_of(answer), 0.7, f"the challenge names the scheme {key[0].strip(', ')}"))
    return found


def _of_bearer(answer: Answered, challenge: str) -> Proposal:
    reason = "the challenge names the scheme Bearer"
    told = f"{challenge} {_said(answer)}".lower()
    if re.search(r"oauth|client_credentials|authorization_uri|invalid_token", told):
        value = {"method": "oauth2_client_credentials", "tokenUrl": "/oauth/token"}
        return _proposal(value, 0.6, reason, "it speaks of OAuth 2.0; the token URL is a guess")
    return _proposal({"method": "bearer"}, 0.7, reason)


def _by_words(answer: Answered) -> Proposal:
    """A refusal without a challenge mostly wants a key; what it says may tell where."""
    said = _said(answer)
    status = f"it answers {answer.status}"
    if header := _HEADER.search(said):
        return _proposal({"method": "api_key", "header": header[1]}, 0.85, status, f"it names the header {header[1]}")
    if parameter := _PARAMETER.search(said):
        reason = f"it speaks of '{parameter[1]}'"
        return _proposal({"method": "api_key", "parameter": parameter[1]}, 0.6, status, reason)
    return _proposal({"method": "api_key", "header": "X-Api-Key"}, 0.4, status, "it does not say what it wants")


def _key_of(answer: Answered) -> dict[str, Any]:
    return dict(_by_words(answer).value)


def _proposal(value: dict[str, Any], confidence: float, *reasons: str) -> Proposal:
    return Proposal(about=About.AUTHENTICATION, value=value, confidence=confidence, reasons=reasons)


def _is_error(answer: Answered) -> bool:
    """Whether a document is about an error, whatever the status."""
    document = answer.document
    return not answer.is_good or (
        isinstance(document, dict) and bool({"error", "errors", "Error Message", "message"} & set(document))
    )


def _said(answer: Answered) -> str:
    return answer.body[:_SAID_BYTES].decode("utf-8", "replace")

"""Asks an address, with as few requests as tell something: once, once for changes, once for a second page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from finport_ingestion.engine.auth.interface import Reply, Request, Signer
from finport_ingestion.engine.detect_source.evidence import Answered, Evidence
from finport_ingestion.engine.detect_source.pagination import next_request, pagination
from finport_ingestion.engine.sources.web.asked import same_origin, with_query

Send = Callable[[Request], Reply]
_ACCEPT = {"Accept": "application/json, text/csv, application/xml;q=0.9, */*;q=0.8", "Accept-Encoding": "identity"}


def probed(url: str, *, send: Send, headers: Mapping[str, str] | None = None, signer: Signer | None = None) -> Evidence:
    """How the address answers.

    Args:
        send: What sends a request over a checked way, whatever the status of the answer.
        signer: What proves who asks, where that is known.

    Raises:
        FinportError: It cannot be reached at all.
    """

    def ask(address: str, more: Mapping[str, str] | None = None) -> Answered:
        request = Request(method="GET", url=address, headers={**_ACCEPT, **(headers or {}), **(more or {})})
        reply = send(signer.signed(request) if signer else request)
        return Answered(status=reply.status, headers=reply.headers, body=reply.body)

    evidence = Evidence(url=url, first=ask(url), signed=signer is not None)
    if not evidence.first.is_good:
        return evidence
    conditional = _conditions(evidence.first)
    if conditional:
        evidence = dataclasses.replace(evidence, conditional=ask(url, conditional))
    following = next_request(pagination(evidence), evidence)
    # An answer must not lead elsewhere, least of all with credentials.
    if following and same_origin(following[0], url):
        second = ask(with_query(following[0], following[1]))
        evidence = dataclasses.replace(evidence, second_page=second)
    return evidence


def _conditions(answer: Answered) -> dict[str, str]:
    if etag := answer.headers.get("etag"):
        return {"If-None-Match": etag}
    modified = answer.headers.get("last-modified")
    return {"If-Modified-Since": modified} if modified else {}

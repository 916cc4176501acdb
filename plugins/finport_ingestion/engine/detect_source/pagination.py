"""How pages follow: by the `Link` header, by what the body says of other pages, by the address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from finport_ingestion.engine.detect_source.evidence import Evidence
from finport_ingestion.engine.detect_source.members import longest_list, members
from finport_ingestion.engine.detect_source.proposal import About, Proposal, strongest

_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)
_URLS = {"next", "nexturl", "nextpageurl", "nextlink", "odatanextlink", "nexthref"}
_TOKENS = {
    "nextcursor": "cursor",
    "nextcursorid": "cursor_id",
    "nextpagetoken": "pageToken",
    "nexttoken": "nextToken",
    "paginationkey": "pagination_key",
    "continuationtoken": "continuationToken",
    "endcursor": "cursor",
}
_TOTAL_PAGES = {"pages", "totalpages", "lastpage", "pagecount", "numpages"}
_TOTALS = {"total", "totalcount", "count", "numfound", "hits", "totalresults", "totalrecords"}
_ROUND = {10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000}
_SAME = -0.5


def pagination(evidence: Evidence) -> Proposal:
    """The style, as the `pagination` block of a source behind HTTP."""
    found = [*_by_link(evidence), *_by_body(evidence)]
    return _confirmed(strongest(found or [_without(evidence)]), evidence)


def next_request(proposal: Proposal, evidence: Evidence) -> tuple[str, dict[str, str]] | None:
    """The address and the parameters that ask for the second page; None where nothing is to be asked."""
    pages = proposal.value
    style = pages["style"]
    if style in ("nextUrl", "link"):
        return (urljoin(evidence.url, _next_url(evidence, style)), {})
    if style == "page":
        return evidence.url, {pages["parameter"]: str(int(evidence.query.get(pages["parameter"], "1")) + 1)}
    if style == "offset":
        taken = longest_list(evidence.first.document)
        return evidence.url, {pages["parameter"]: str(len(taken[1]) if taken else 1)}
    if style == "cursor":
        token = _value_at(evidence, pages["next"])
        return None if token is None else (evidence.url, {pages["parameter"]: str(token)})
    return None


def _by_link(evidence: Evidence) -> list[Proposal]:
    if not _NEXT.search(evidence.first.headers.get("link", "")):
        return []
    return [_proposal({"style": "link"}, 0.95, "a Link header names the next page")]


def _by_body(evidence: Evidence) -> list[Proposal]:
    document = evidence.first.document
    records = longest_list(document)
    where = {"records": records[0]} if records and records[0] != "@" else {}
    found: list[Proposal] = []
    for path, name, value in members(document):
        if records and path.startswith(f"{records[0]}["):
            continue
        found += _of_member(path, _folded(name), value, where, evidence)
    return found


def _of_member(path: str, name: str, value: Any, where: dict[str, str], evidence: Evidence) -> list[Proposal]:
    if name in _URLS and isinstance(value, str) and value and _is_address(value):
        return [_proposal({"style": "nextUrl", "next": path, **where}, 0.9, f"'{path}' is the address of a next page")]
    if name in _TOKENS and isinstance(value, str | int) and value != "" and not isinstance(value, bool):
        parameter = _TOKENS[name]
        reasons = (f"'{path}' is a token", f"that the parameter is called '{parameter}' is a guess")
        return [_proposal({"style": "cursor", "parameter": parameter, "next": path, **where}, 0.7, *reasons)]
    if not isinstance(value, int) or isinstance(value, bool):
        return []
    if name in _TOTAL_PAGES:
        parameter = next((known for known in ("page", "page[number]", "p") if known in evidence.query), "page")
        pages = {"style": "page", "parameter": parameter, "totalPages": path, **where}
        return [_proposal(pages, 0.75, f"'{path}' is a number of pages")]
    return _of_total(path, value, where, evidence) if name in _TOTALS else []


def _of_total(path: str, total: int, where: dict[str, str], evidence: Evidence) -> list[Proposal]:
    records = longest_list(evidence.first.document)
    if not records or total <= len(records[1]):
        return []
    names = {_folded(name) for _, name, _ in members(evidence.first.document)} | set(evidence.query)
    parameter = next((name for name in ("offset", "start", "skip", "start_index") if _folded(name) in names), "offset")
    limit = next((name for name in ("limit", "rows", "size", "length") if name in names), "limit")
    stated = parameter in names or limit in names
    pages = {
        "style": "offset",
        "parameter": parameter,
        "limitParameter": limit,
        "limit": len(records[1]),
        "total": path,
    }
    reason = f"'{path}' says {total:,} records, and {len(records[1]):,} came"
    return [_proposal({**pages, **where}, 0.75 if stated else 0.55, reason)]


def _without(evidence: Evidence) -> Proposal:
    records = longest_list(evidence.first.document)
    if records and len(records[1]) in _ROUND:
        reason = f"nothing names another page, but {len(records[1])} records are a round number"
        return _proposal({"style": "none"}, 0.4, reason)
    return _proposal({"style": "none"}, 0.8 if evidence.first.is_good else 0.3, "nothing names another page")


def _confirmed(proposal: Proposal, evidence: Evidence) -> Proposal:
    """With what a second page says for or against it."""
    second = evidence.second_page
    if second is None or proposal.value["style"] == "none":
        return proposal
    if not second.is_good:
        return proposal.surer(-0.3, f"the second page answers {second.status}")
    if second.body == evidence.first.body:
        return proposal.surer(_SAME, "the second page is the same as the first")
    return proposal.surer(0.15, "the second page came, and is another one")


def _next_url(evidence: Evidence, style: str) -> str:
    if style == "link":
        found = _NEXT.search(evidence.first.headers.get("link", ""))
        return found[1] if found else ""
    addresses = [value for _, name, value in members(evidence.first.document) if _folded(name) in _URLS]
    return next((value for value in addresses if isinstance(value, str) and _is_address(value)), "")


def _value_at(evidence: Evidence, path: str) -> Any:
    return next((value for place, _, value in members(evidence.first.document) if place == path), None)


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme in ("http", "https") or text.startswith(("/", "?")))


def _proposal(value: dict[str, Any], confidence: float, *reasons: str) -> Proposal:
    return Proposal(about=About.PAGINATION, value=value, confidence=confidence, reasons=reasons)

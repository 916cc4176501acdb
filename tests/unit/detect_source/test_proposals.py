"""The source detection model: evidence in, proposals with confidence and reasons out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from finport_ingestion.engine.detect_source.evidence import Answered, Evidence
from finport_ingestion.engine.detect_source.members import longest_list
from finport_ingestion.engine.detect_source.model import proposals
from finport_ingestion.engine.detect_source.pagination import next_request
from finport_ingestion.engine.detect_source.proposal import About, Proposal
from finport_ingestion.engine.detect_source.protocols import protocol
from finport_ingestion.engine.errors import ConfigError

URL = "https://api.example.org/v1/prices"
ROWS = [{"id": number, "close": "1.5"} for number in range(3)]


def answered(document: Any = None, *, status: int = 200, **headers: Any) -> Answered:
    body = document if isinstance(document, bytes) else json.dumps(document).encode() if document is not None else b""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status=status, headers=named, body=body)


def found(first: Answered, *, url: str = URL, **more: Any) -> Mapping[About, Proposal]:
    return proposals(Evidence(url=url, first=first, **more))


@pytest.mark.parametrize(
    ("first", "expected", "confidence"),
    [
        (answered(ROWS), {}, 0.9),
        (answered(status=401, www_authenticate='Basic realm="x"'), {"method": "basic"}, 0.95),
        (answered(status=401, www_authenticate='Bearer realm="x"'), {"method": "bearer"}, 0.7),
        (
            answered(status=401, www_authenticate='Bearer error="invalid_token"'),
            {"method": "oauth2_client_credentials", "tokenUrl": "/oauth/token"},
            0.6,
        ),
        (
            answered({"message": "send your key in X-API-Key"}, status=403),
            {"method": "api_key", "header": "X-API-Key"},
            0.85,
        ),
        (
            answered({"error": "no access_key was given"}, status=401),
            {"method": "api_key", "parameter": "access_key"},
            0.6,
        ),
        (answered({"Error Message": "invalid apikey"}), {"method": "api_key", "parameter": "apikey"}, 0.6),
        (answered(status=401), {"method": "api_key", "header": "X-Api-Key"}, 0.4),
        (answered(status=500), {}, 0.2),
    ],
)
def test_authentication_is_told_by_status_challenge_and_words(
    first: Answered, expected: dict[str, str], confidence: float
) -> None:
    proposal = found(first)[About.AUTHENTICATION]
    assert (dict(proposal.value), proposal.confidence) == (expected, confidence)
    assert proposal.reasons


@pytest.mark.parametrize(
    ("first", "url", "expected"),
    [
        (answered(ROWS, link='<https://api.example.org/v1/prices?page=2>; rel="next"'), URL, {"style": "link"}),
        (
            answered({"results": ROWS, "next_url": "https://api.example.org/v1/prices?cursor=x"}),
            URL,
            {"style": "nextUrl", "next": "next_url", "records": "results"},
        ),
        (
            answered({"data": ROWS, "links": {"next": "/v1/prices?page=2"}}),
            URL,
            {"style": "nextUrl", "next": "links.next", "records": "data"},
        ),
        (
            answered({"value": ROWS, "@odata.nextLink": "https://api.example.org/v1/prices?$skip=3"}),
            URL,
            {"style": "nextUrl", "next": '"@odata.nextLink"', "records": "value"},
        ),
        (
            answered({"rows": ROWS, "meta": {"next_cursor": "abc"}}),
            URL,
            {"style": "cursor", "parameter": "cursor", "next": "meta.next_cursor", "records": "rows"},
        ),
        (
            answered({"data": ROWS, "page": 1, "pages": 4}),
            f"{URL}?page=1",
            {"style": "page", "parameter": "page", "totalPages": "pages", "records": "data"},
        ),
        (
            answered([{"page": 1, "pages": 4, "total": 12}, ROWS]),
            URL,
            {"style": "page", "parameter": "page", "totalPages": "[0].pages", "records": "[1]"},
        ),
        (
            answered({"response": {"numFound": 9, "start": 0, "docs": ROWS}}),
            URL,
            {
                "style": "offset",
                "parameter": "start",
                "limitParameter": "limit",
                "limit": 3,
                "total": "response.numFound",
                "records": "response.docs",
            },
        ),
        (answered(ROWS), URL, {"style": "none"}),
        (answered({"data": ROWS, "next": None}), URL, {"style": "none"}),
        (answered({"data": ROWS, "total": 3}), URL, {"style": "none"}),
    ],
)
def test_pagination_is_told_by_what_an_answer_says_of_other_pages(
    first: Answered, url: str, expected: dict[str, Any]
) -> None:
    assert dict(found(first, url=url)[About.PAGINATION].value) == expected


def test_a_round_number_of_records_makes_one_doubt_that_it_was_all() -> None:
    assert found(answered([{"id": n} for n in range(100)]))[About.PAGINATION].confidence == 0.4
    assert found(answered([{"id": n} for n in range(101)]))[About.PAGINATION].confidence == 0.8


def test_a_second_page_speaks_for_a_pagination_or_against_it() -> None:
    first = answered({"data": ROWS, "pages": 2})
    plain = found(first)[About.PAGINATION].confidence
    assert found(first, second_page=answered({"data": ROWS[:1], "pages": 2}))[About.PAGINATION].confidence > plain
    assert found(first, second_page=first)[About.PAGINATION].confidence < 0.5
    assert found(first, second_page=answered(status=400))[About.PAGINATION].confidence < plain


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (answered({"data": ROWS, "pages": 2}), (URL, {"page": "2"})),
        (answered({"data": ROWS, "total": 9, "offset": 0, "limit": 3}), (URL, {"offset": "3"})),
        (answered({"data": ROWS, "next_cursor": "abc"}), (URL, {"cursor": "abc"})),
        (answered({"data": ROWS, "next": "?page=2"}), (f"{URL}?page=2", {})),
        (answered(ROWS, link='</v1/prices?page=2>; rel="next"'), (f"{URL}?page=2", {})),
        (answered(ROWS), None),
    ],
)
def test_the_request_for_a_second_page(first: Answered, expected: tuple[str, dict[str, str]] | None) -> None:
    evidence = Evidence(url=URL, first=first)
    assert next_request(proposals(evidence)[About.PAGINATION], evidence) == expected


@pytest.mark.parametrize(
    ("headers", "expected", "confidence"),
    [
        ({"ratelimit_policy": "600;w=60"}, {"rate": "600/minute"}, 0.9),
        ({"ratelimit_limit": "100, 100;w=3600"}, {"rate": "100/hour"}, 0.9),
        ({"x_ratelimit_limit": "30", "x_ratelimit_reset": "41"}, {"rate": "30/minute"}, 0.6),
        ({"x_ratelimit_limit": "5000", "x_ratelimit_reset": "1795600000"}, {"rate": "5000/minute"}, 0.6),
        ({}, {}, 0.5),
        ({"ratelimit_limit": "many"}, {}, 0.5),
    ],
)
def test_a_rate_is_told_by_headers(headers: dict[str, Any], expected: dict[str, str], confidence: float) -> None:
    proposal = found(answered(ROWS, **headers))[About.RATE]
    assert (dict(proposal.value), proposal.confidence) == (expected, confidence)


def test_what_tells_of_changes_is_surer_once_it_was_seen_to_work() -> None:
    first = answered(ROWS, etag='"1"', last_modified="Tue, 24 Nov 2026 10:00:00 GMT")
    stated = found(first)[About.CHANGES]
    assert stated.value == {"by": ["etag", "last-modified"]}
    assert found(first, conditional=answered(status=304))[About.CHANGES].confidence > 0.9
    assert found(first, conditional=first)[About.CHANGES].confidence < stated.confidence
    assert found(answered(ROWS))[About.CHANGES].value == {}


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[[[[", b'{"next": {"next": {"next": 1}}}', b"\xff\xfe", b"null", b"[1, 2]"]
)
def test_junk_gives_proposals_without_confidence_and_no_error(junk: bytes) -> None:
    for proposal in found(answered(junk)).values():
        assert 0 < proposal.confidence <= 0.98
    assert longest_list(Evidence(url=URL, first=answered(junk)).first.document) in (None, ("@", []))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example", "http"),
        ("/mnt/drop", "file"),
        ("drop", "file"),
        ("file:///mnt/drop", "file"),
        ("s3://b/k", "s3"),
    ],
)
def test_a_protocol_is_told_by_the_scheme(address: str, expected: str) -> None:
    assert protocol(address).value == {"protocol": expected}


def test_an_address_of_no_known_protocol_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no protocol here for 'gopher:'") as raised:
        protocol("gopher://a.example")
    assert "http" in str(raised.value.hint)


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as raised:
        protocol("https://me:pl4nted@a.example")
    assert "pl4nted" not in str(raised.value)

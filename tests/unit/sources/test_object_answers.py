"""What object stores answer, in our errors; and what they state of an object, as a checksum."""

from __future__ import annotations

import base64
import hashlib

import pytest

from finport_ingestion.engine.errors import AccessDenied, ConfigError, FinportError, RateLimited, SourceUnavailable
from finport_ingestion.engine.sources.objects.answers import CODES, STATUSES, Meaning, silence, translated
from finport_ingestion.engine.sources.objects.heads import azure_checksum, google_checksum, s3_checksum

WHAT = "prices: a.csv in bucket 'prices' at s3.example.com"
URL = "Error performing GET https://s3.example.com/prices/{key} in 3ms - "
SHA256 = hashlib.sha256(b"x")
MD5 = hashlib.md5(b"x", usedforsecurity=False)


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def of(text: str) -> FinportError:
    return translated(text, what=WHAT, connection="connection 'c'") or silence(
        text, what=WHAT, connection="connection 'c'"
    )


@pytest.mark.parametrize("meaning", [*CODES.values(), *STATUSES.values()])
def test_every_meaning_says_where_what_and_the_fix(meaning: Meaning) -> None:
    error = meaning.error(WHAT, "connection 'c'")
    assert error.message.startswith(WHAT)
    assert error.hint
    assert "{" not in error.hint


def test_the_code_says_more_than_the_status() -> None:
    text = URL + "Server returned non-2xx status code: 503 Service Unavailable: <Error><Code>{code}</Code></Error>"
    assert type(of(text.replace("{code}", "SlowDown"))) is RateLimited
    assert type(of(text.replace("{code}", "InternalError"))) is SourceUnavailable


@pytest.mark.parametrize(
    "key", ["timed%20out.csv", "InvalidCertificate.csv", "status code: 403", "token%20request", "UnknownIssuer"]
)
def test_the_name_of_an_object_does_not_decide(key: str) -> None:
    error = of(URL.replace("{key}", key.replace(" ", "%20")) + "HTTP error: error sending request")
    assert type(error) is SourceUnavailable
    assert "the connection fails" in error.message


def test_nothing_of_the_answer_is_repeated() -> None:
    text = URL + "Server returned non-2xx status code: 403 Forbidden: <Error><Code>X</Code><Message>pl4nted</Message>"
    assert "pl4nted" not in str(of(text))
    assert type(of(text)) is AccessDenied


def test_a_refused_token_is_no_refused_object() -> None:
    text = "Error performing token request: Error performing POST https://login.example.com/t in 3ms - status code: 400"
    assert "no token is given" in of(text).message


def test_an_unknown_refusal_is_no_reason_to_try_again() -> None:
    assert type(of(URL + "Server returned non-2xx status code: 418 I'm a teapot")) is ConfigError


@pytest.mark.parametrize(
    ("headers", "checksum"),
    [
        ({"x-amz-checksum-sha256": encoded(SHA256.digest())}, f"sha256:{SHA256.hexdigest()}"),
        ({"x-amz-checksum-sha256": encoded(SHA256.digest()), "x-amz-checksum-type": "COMPOSITE"}, None),
        ({"x-amz-checksum-sha256": f"{encoded(SHA256.digest())}-3"}, None),
        ({"x-amz-checksum-sha256": "not base64"}, None),
        ({"etag": f'"{MD5.hexdigest()}"'}, f"md5:{MD5.hexdigest()}"),
        ({"etag": f'"{MD5.hexdigest()}"', "x-amz-server-side-encryption": "AES256"}, f"md5:{MD5.hexdigest()}"),
        ({"etag": f'"{MD5.hexdigest()}"', "x-amz-server-side-encryption": "aws:kms"}, None),
        ({"etag": f'"{MD5.hexdigest()}"', "x-amz-server-side-encryption": "aws:kms:dsse"}, None),
        ({"etag": f'"{MD5.hexdigest()}"', "x-amz-server-side-encryption-customer-algorithm": "AES256"}, None),
        ({"etag": f'"{MD5.hexdigest()}-12"'}, None),
        ({"etag": '"0x8DC1"'}, None),
        ({}, None),
    ],
)
def test_of_s3_only_what_is_a_digest_of_the_bytes_is_one(headers: dict[str, str], checksum: str | None) -> None:
    assert s3_checksum(headers) == checksum


def test_azure_and_google_state_an_md5_where_they_have_one() -> None:
    stated = encoded(MD5.digest())
    assert azure_checksum({"content-md5": stated}) == f"md5:{MD5.hexdigest()}"
    assert google_checksum({"x-goog-hash": f"crc32c=AAAAAA==,md5={stated}"}) == f"md5:{MD5.hexdigest()}"
    assert google_checksum({"x-goog-hash": f"crc32c=AAAAAA==, md5={stated}"}) == f"md5:{MD5.hexdigest()}"
    for headers in ({}, {"x-goog-hash": "crc32c=AAAAAA=="}, {"content-md5": ""}):
        assert azure_checksum(headers) is google_checksum(headers) is None

"""Google Cloud Storage over fake-gcs-server, and over our own web server where credentials are to be seen."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.errors import AddressRefused, ConfigError, SourceItemChanged
from finport_ingestion.engine.sources.gcs import GcsSource
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import UNESCAPED_SECRET, access
from tests.conformance.sources.of_gcs import account_key
from tests.services.gcs_server import GcsServer
from tests.services.object_sources import gcs_source, listed, read, stated_checksums
from tests.services.web import WebServer
from tests.services.web_replies import Answer

CONTENT = random.Random(4).randbytes(3 << 20)
EMPTY = b"<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def put(server: GcsServer, bucket: str, name: str, content: bytes, *, encoding: str | None = None) -> None:
    blob = server.client().bucket(bucket).blob(name)
    blob.content_encoding = encoding
    blob.upload_from_string(content, content_type="text/csv")


def test_an_object_comes_whole_in_ranges_and_with_checksum(gcs_server: GcsServer, gcs_bucket: str) -> None:
    put(gcs_server, gcs_bucket, "daily/prices ü.csv", CONTENT)
    source = gcs_source(gcs_server, gcs_bucket, options={"path": "daily"})
    item = listed(source)["prices ü.csv"]
    assert read(source, item) == CONTENT
    assert read(source, item, Span(1000, 2000)) == CONTENT[1000:2000]
    assert stated_checksums(source) == {
        "prices ü.csv": f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"
    }


def test_what_is_stored_compressed_comes_as_it_is_stored(gcs_server: GcsServer, gcs_bucket: str) -> None:
    stored = gzip.compress(b"isin,close\n" * 1000)
    put(gcs_server, gcs_bucket, "prices.csv", stored, encoding="gzip")
    source = gcs_source(gcs_server, gcs_bucket)
    item = listed(source)["prices.csv"]
    assert item.size_bytes == len(stored)
    assert read(source, item) == stored


def test_ranges_of_two_versions_never_come_together(gcs_server: GcsServer, gcs_bucket: str) -> None:
    put(gcs_server, gcs_bucket, "prices.csv", CONTENT)
    source = gcs_source(gcs_server, gcs_bucket)
    item = listed(source)["prices.csv"]
    put(gcs_server, gcs_bucket, "prices.csv", CONTENT[::-1])
    with pytest.raises(SourceItemChanged):
        read(source, item, Span(1000, 2000))


@pytest.mark.parametrize("how", ["object", "text", "older field", "file"])
def test_requests_carry_a_token_that_the_service_account_signed(
    gcs_server: GcsServer, web_server: WebServer, tmp_path: Path, how: str
) -> None:
    web_server.add("/*", Answer(EMPTY, headers={"Content-Type": "application/xml"}))
    text = json.dumps(account_key())
    (tmp_path / "key.json").write_text(text)
    extras: dict[str, dict[str, Any]] = {
        "object": {"keyfile_dict": account_key()},
        "text": {"keyfile_dict": text},
        "older field": {"extra__google_cloud_platform__keyfile_dict": text},
        "file": {"key_path": str(tmp_path / "key.json")},
    }
    gcs_source(gcs_server, "prices", endpoint_url=web_server.url(), is_anonymous=False, **extras[how]).check()
    scheme, _, token = web_server.requests[0].headers["authorization"].partition(" ")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert scheme == "Bearer"
    assert claims["iss"] == account_key()["client_email"]


def test_a_key_does_not_say_where_requests_go(gcs_server: GcsServer, gcs_bucket: str) -> None:
    key = {**account_key(), "gcs_base_url": "http://127.0.0.1:1", "disable_oauth": True}
    gcs_source(gcs_server, gcs_bucket, is_anonymous=False, keyfile_dict=key).check()


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({}, "has no key"),
        ({"keyfile_dict": "{"}, "is none"),
        ({"keyfile_dict": {"client_email": UNESCAPED_SECRET}}, "is none"),
        ({"keyfile_dict": {**account_key(), "private_key": UNESCAPED_SECRET}}, "cannot be used"),
        ({"key_path": "/nowhere/key.json"}, "is none"),
        ({"impersonation_chain": "x", "keyfile_dict": account_key()}, "impersonation_chain"),
        ({"credential_config_file": "x"}, "credential_config_file"),
    ],
)
def test_a_key_that_is_none_is_told_and_not_repeated(
    gcs_server: GcsServer, gcs_bucket: str, extra: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        gcs_source(gcs_server, gcs_bucket, is_anonymous=False, **extra).check()
    assert UNESCAPED_SECRET not in str(raised.value)


def test_a_source_without_connection_is_of_a_public_bucket_or_a_mistake() -> None:
    options = {"protocol": "gcs", "bucket": "public-prices"}
    with pytest.raises(ConfigError, match="needs a connection"):
        GcsSource(GcsSource.Options.model_validate(options), access(None))
    GcsSource(GcsSource.Options.model_validate({**options, "anonymous": True}), access(None))


def test_this_machine_is_refused_where_nothing_else_is_stated(gcs_server: GcsServer, gcs_bucket: str) -> None:
    with pytest.raises(AddressRefused):
        gcs_source(gcs_server, gcs_bucket, protection={"allow_private_network": False}).check()


def test_an_endpoint_without_tls_is_refused_where_it_is_not_allowed(gcs_server: GcsServer, gcs_bucket: str) -> None:
    with pytest.raises(ConfigError, match="without TLS"):
        gcs_source(gcs_server, gcs_bucket, endpoint_url=f"http://127.0.0.1:{gcs_server.port}")


def test_variables_of_the_environment_have_no_say(
    gcs_server: GcsServer, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = {
        "GOOGLE_BASE_URL": "http://127.0.0.1:1",
        "GOOGLE_ALLOW_INVALID_CERTIFICATES": "true",
        "GOOGLE_PROXY_EXCLUDES": "*",
        "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account_key()),
    }
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    gcs_source(gcs_server, gcs_bucket).check()
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        gcs_source(gcs_server, gcs_bucket, protection={"ca_file": None}).check()

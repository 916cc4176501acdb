"""Presigned urls of S3, as senders mail them, by the http protocol: good for a while, and told when they are over."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import access, connection
from tests.services.versitygw_server import Versitygw

CONTENT = b"isin,close\n"


def source_of(url: str, server: Versitygw) -> HttpSource:
    parts = urlsplit(url)
    options = {"protocol": "http", "path": parts.path, "query": dict(parse_qsl(parts.query))}
    spec = connection("finport_http", host=server.endpoint_url, extra={"ca_file": str(server.ca_path)})
    return HttpSource(HttpSource.Options.model_validate(options), access(spec))


def presigned(server: Versitygw, bucket: str, *, seconds: int) -> str:
    client = server.client()
    client.put_object(Bucket=bucket, Key="prices ü.csv", Body=CONTENT)
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "prices ü.csv"}, ExpiresIn=seconds
    )
    return url


def read(source: HttpSource) -> bytes:
    return b"".join(delivery.stream.read() for item in source.discover(None) for delivery in source.open(item))


def test_it_is_read_while_it_lasts(versitygw: Versitygw, versitygw_bucket: str) -> None:
    assert read(source_of(presigned(versitygw, versitygw_bucket, seconds=600), versitygw)) == CONTENT


def test_it_is_refused_when_it_is_over(versitygw: Versitygw, versitygw_bucket: str) -> None:
    url = presigned(versitygw, versitygw_bucket, seconds=1)
    time.sleep(2.5)
    with pytest.raises(AccessDenied) as raised:
        read(source_of(url, versitygw))
    assert "X-Amz-Signature" not in str(raised.value)


def test_a_signature_that_was_altered_is_refused(versitygw: Versitygw, versitygw_bucket: str) -> None:
    url = presigned(versitygw, versitygw_bucket, seconds=600)
    with pytest.raises(AccessDenied):
        read(source_of(url.replace("X-Amz-Expires=600", "X-Amz-Expires=9000"), versitygw))

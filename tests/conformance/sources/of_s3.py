"""A bucket of versitygw, over TLS: three objects below a prefix, and one beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.s3 import S3Source
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port
from tests.services.versitygw_server import Versitygw


class Bucket:
    """See the module."""

    def __init__(self, server: Versitygw, bucket: str) -> None:
        self._server = server
        self._bucket = bucket
        for name in ("b.csv", "a.csv", "deep/c.csv"):
            self._put(f"daily/{name}", f"name\n{name}\n" * 1000)
        self._put("dailies/d.csv", "not below the prefix\n")

    def source(self) -> AnySource:
        return self._at(self._server.endpoint_url)

    def change(self, item: SourceItem) -> None:
        self._put(f"daily/{item.id}", f"name\n{item.id}\nlate\n")

    def remove(self, item: SourceItem) -> None:
        self._server.client().delete_object(Bucket=self._bucket, Key=f"daily/{item.id}")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(f"https://127.0.0.1:{free_port()}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._at(self._server.endpoint_url, secret=f"{PLANTED_SECRET}, mistyped")

    def _put(self, key: str, content: str) -> None:
        self._server.client().put_object(Bucket=self._bucket, Key=key, Body=content.encode())

    def _at(self, url: str, **fields: Any) -> AnySource:
        options = {"protocol": "s3", "bucket": self._bucket, "path": "daily", "pattern": "**/*.csv"}
        extra = {"endpoint_url": url, "region_name": self._server.region, "ca_file": str(self._server.ca_path)}
        spec = connection("aws", login=self._server.access_key, extra=extra, **fields)
        return S3Source(S3Source.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Bucket:
    """A bucket of its own."""
    return Bucket(request.getfixturevalue("versitygw"), request.getfixturevalue("versitygw_bucket"))

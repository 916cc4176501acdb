"""Sources of object stores as the tests of their protocols make them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.collect.checksums import Digests
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.azure_blob import AzureBlobSource
from finport_ingestion.engine.sources.gcs import GcsSource
from finport_ingestion.engine.sources.interface import Access, ByteSource, Span
from finport_ingestion.engine.sources.s3 import S3Options, S3Source
from tests.conformance.sources.access import access, connection
from tests.services.azurite_server import Azurite
from tests.services.gcs_server import GcsServer
from tests.services.versitygw_server import Versitygw

Stated = Mapping[str, Any]


class CountingGate:
    """Lets everything pass, and remembers it."""

    def __init__(self) -> None:
        self.admitted = 0
        self.answers: list[Answer] = []

    def admitted_now(self, endpoint: str | None = None) -> bool:
        self.admitted += 1
        return True

    def admit(self, deadline: Deadline, endpoint: str | None = None) -> None:
        deadline.check()
        self.admitted += 1

    def report(self, answer: Answer) -> None:
        self.answers.append(answer)


def with_gate(source: Callable[[Access], ByteSource], made: Access) -> tuple[ByteSource, CountingGate]:
    """A source whose requests are counted."""
    gate = CountingGate()
    return source(dataclasses.replace(made, gate=gate)), gate


def s3_access(server: Versitygw, *, protection: Stated | None = None, **fields: Any) -> Access:
    """Access to versitygw; `fields` override those of the connection, its `extra` field by field."""
    extra: dict[str, Any] = {
        "endpoint_url": server.endpoint_url,
        "region_name": server.region,
        "ca_file": str(server.ca_path),
    }
    stated = {"login": server.access_key, **fields, "extra": {**extra, **fields.get("extra", {})}}
    return access(connection("aws", **stated), protection=protection)


def s3_options(bucket: str, **options: Any) -> S3Options:
    return S3Options.model_validate({"protocol": "s3", "bucket": bucket, "pattern": "**/*", **options})


def s3_source(server: Versitygw, bucket: str, *, options: Stated | None = None, **stated: Any) -> S3Source:
    """A source of a bucket of versitygw."""
    return S3Source(s3_options(bucket, **(options or {})), s3_access(server, **stated))


def azure_source(
    server: Azurite, container: str, *, options: Stated | None = None, protection: Stated | None = None, **fields: Any
) -> AzureBlobSource:
    """A source of a container of Azurite; `fields` override those of the connection."""
    chosen = {"protocol": "azure_blob", "container": container, "pattern": "**/*", **(options or {})}
    stated = {"login": server.account, "host": server.account_url, "secret": server.account_key, **fields}
    stated["extra"] = {"ca_file": str(server.ca_path), **stated.get("extra", {})}
    return AzureBlobSource(
        AzureBlobSource.Options.model_validate(chosen), access(connection("wasb", **stated), protection=protection)
    )


def gcs_source(
    server: GcsServer, bucket: str, *, options: Stated | None = None, protection: Stated | None = None, **extra: Any
) -> GcsSource:
    """A source of a bucket of fake-gcs-server; `extra` overrides that of the connection."""
    chosen = {"protocol": "gcs", "bucket": bucket, "pattern": "**/*", **(options or {})}
    stated = {"endpoint_url": server.endpoint_url, "is_anonymous": True, "ca_file": str(server.ca_path), **extra}
    spec: ConnectionSpec = connection("google_cloud_platform", secret=None, extra=stated)
    return GcsSource(GcsSource.Options.model_validate(chosen), access(spec, protection=protection))


def listed(source: ByteSource) -> dict[str, SourceItem]:
    """What it lists, by id."""
    return {item.id: item for item in source.discover(None)}


def read(source: ByteSource, item: SourceItem, span: Span | None = None) -> bytes:
    """All bytes of an item, or of a span of it."""
    return b"".join(delivery.stream.read() for delivery in source.open(item, span))


def stated_checksums(source: ByteSource) -> dict[str, str | None]:
    """The checksum that comes with each item."""
    return {item.id: delivery.checksum for item in source.discover(None) for delivery in source.open(item)}


def compared(source: ByteSource, item: SourceItem) -> Iterator[None]:
    """Read an item as the collector does: hash it, compare it. Raises ChecksumMismatch."""
    for delivery in source.open(item):
        digests = Digests()
        digests.expect(delivery.checksum)
        digests.update(delivery.stream.read())
        digests.compare([delivery.size_bytes], what=item.id)
        yield

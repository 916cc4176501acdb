"""A topic as a source sees it, for tests."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.kafka import KafkaSource
from tests.conformance.sources.access import access, connection
from tests.services.kafka_server import KafkaServer

LIMITS = ("auth", "seconds", "protection", "cursor", "request_timeout_seconds")


def source(server: KafkaServer, topic: str, *, listener: str = "tls", **options: Any) -> KafkaSource:
    limits = {name: options.pop(name) for name in LIMITS if name in options}
    spec = {"host": "127.0.0.1", "port": server.ports[listener], **options.pop("spec", {})}
    extra = {"ca_file": str(server.ca_path), **spec.pop("extra", {})}
    stated = KafkaSource.Options.model_validate({"protocol": "kafka", "topic": topic, **options})
    return KafkaSource(stated, access(connection("kafka", extra=extra, **{"secret": None, **spec}), **limits))


def rows(read: KafkaSource, items: list[SourceItem]) -> list[dict[str, Any]]:
    return [row for item in items for batch in read.read(item) for row in batch.to_pylist()]


def values(read: KafkaSource, items: list[SourceItem]) -> list[str]:
    return [row["value"] for row in rows(read, items)]

"""A topic of two partitions over TLS and SCRAM, with a transaction that was aborted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.kafka import KafkaSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.kafka_server import KafkaServer
from tests.services.process import free_port


class Topic:
    """See the module."""

    def __init__(self, server: KafkaServer) -> None:
        self._server = server
        self._user = f"reader-{secrets.token_hex(6)}"
        self._topic = server.create_topic(partitions=2)
        admin = server.admin()
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(self._user, info, PLANTED_SECRET.encode())]
        )
        made[self._user].result(20)
        server.write(self._topic, [f'{{"close": {i / 4}}}' for i in range(300)], partition=0)
        server.write(self._topic, [f'{{"close": {i}}}' for i in range(50)], partition=1)
        server.write(self._topic, ["{}"] * 20, partition=1, transaction="abort")
        server.write(self._topic, ["no JSON", b"\xff", None], partition=1, transaction="commit")

    def source(self) -> AnySource:
        return self._as()

    def change(self, item: SourceItem) -> None:
        self._server.delete_before(self._topic, 0, 100)

    def remove(self, item: SourceItem) -> None:
        self._server.delete_topic(self._topic)

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._as(port=free_port())

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._as(secret=f"{PLANTED_SECRET}, mistyped")

    def _as(self, **fields: Any) -> AnySource:
        stated = {"host": "127.0.0.1", "port": self._server.ports["sasl"], "login": self._user}
        spec = connection("kafka", **{**stated, "extra": {"ca_file": str(self._server.ca_path)}, **fields})
        options = {
            "protocol": "kafka",
            "topic": self._topic,
            "messagesPerItem": 100,
            "fetchRows": 40,
            "fields": {"close": "decimal(18,2)"},
        }
        return KafkaSource(KafkaSource.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Topic:
    """A topic and a user of its own."""
    return Topic(request.getfixturevalue("kafka"))

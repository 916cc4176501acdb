"""What librdkafka is told: TLS that is verified, a login, and nothing that turns a check off."""

from __future__ import annotations

from typing import Any

import pytest

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.kafka import KafkaSource
from finport_ingestion.engine.sources.kafka_topics.settings import Way, way_to
from tests.conformance.sources.access import PLANTED_SECRET, access, connection


def way(*, protection: dict[str, Any] | None = None, **fields: Any) -> Way:
    spec = connection("kafka", **{"secret": None, "host": "kafka.example.com", **fields})
    return way_to(access(spec, protection=protection), what="prices: topic any", token=None)


def test_tls_is_the_rule_and_the_name_is_verified() -> None:
    settings = way().settings
    assert settings["security.protocol"] == "SSL"
    assert settings["ssl.endpoint.identification.algorithm"] == "https"
    assert settings["enable.ssl.certificate.verification"] is True
    assert settings["ssl.ca.location"]
    assert way(protection={"ca_file": "/own.pem"}).settings["ssl.ca.location"] == "/own.pem"


def test_a_login_is_scram_unless_the_connection_says_otherwise() -> None:
    settings = way(login="alice", secret=PLANTED_SECRET).settings
    assert settings["security.protocol"] == "SASL_SSL"
    assert settings["sasl.mechanism"] == "SCRAM-SHA-512"
    assert way(login="alice", secret="x", extra={"sasl.mechanism": "PLAIN"}).settings["sasl.mechanism"] == "PLAIN"


def test_a_connection_of_airflow_holds_all_in_its_extra() -> None:
    extra = {
        "bootstrap.servers": "a.example.com:9093, b.example.com",
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-256",
        "sasl.username": "alice",
        "sasl.password": PLANTED_SECRET,
    }
    found = way(host=None, extra=extra)
    assert found.servers == (("a.example.com", 9093), ("b.example.com", 9092))
    assert found.settings["sasl.username"] == "alice"
    assert found.settings["sasl.mechanism"] == "SCRAM-SHA-256"


@pytest.mark.parametrize(
    ("host", "port", "servers"),
    [
        ("a", None, (("a", 9092),)),
        ("a:1,b", 2, (("a", 1), ("b", 2))),
        ("[::1]:9093", None, (("::1", 9093),)),
    ],
)
def test_servers(host: str, port: int | None, servers: tuple[tuple[str, int], ...]) -> None:
    assert way(host=host, port=port).servers == servers


@pytest.mark.parametrize(
    "fields",
    [
        {"host": None},
        {"host": "a:b"},
        {"host": "https://a"},
        {"extra": {"sasl.mechanism": "GSSAPI"}, "login": "a", "secret": "b"},
        {"extra": {"sasl.mechanism": "OAUTHBEARER"}},
        {"login": "alice"},
        {"extra": {"enable.ssl.certificate.verification": "false"}},
        {"extra": {"security.protocol": "PLAINTEXT"}},
        {"extra": {"tls": "false"}},
    ],
)
def test_a_connection_that_cannot_be_used_is_told_with_the_fix(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        way(**fields)
    assert raised.value.hint


def test_no_text_shows_a_password() -> None:
    found = way(login="alice", secret=PLANTED_SECRET)
    assert PLANTED_SECRET not in repr(found)
    assert PLANTED_SECRET not in repr(found.login)


@pytest.mark.parametrize(
    "options", [{"start": "yesterday"}, {"fields": {"offset": "integer"}}, {"topic": ""}, {"messagesPerItem": 0}]
)
def test_a_document_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        KafkaSource.Options.model_validate({"protocol": "kafka", "topic": "prices", **options})

"""The way to Kafka: every login, TLS, refused addresses, and bad days."""

from __future__ import annotations

import socket
import time
import traceback

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from finport_ingestion.engine.auth.oauth2 import ClientCredentials
from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    SourceItemChanged,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.kafka import KafkaSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.certificates import PrivateCa
from tests.services.kafka_server import SERVICE, KafkaServer
from tests.services.kafka_settings import AUDIENCE, ISSUER
from tests.services.kafka_source import rows, source, values
from tests.services.plugin import StartService
from tests.services.web import WebServer
from tests.services.web_replies import Reply, Request, error_reply, json_reply


class TestWays:
    @pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
    def test_logins(self, kafka: KafkaServer, mechanism: str) -> None:
        topic = kafka.create_topic()
        login = {"login": kafka.user, "secret": kafka.password, "extra": {"sasl.mechanism": mechanism}}
        assert source(kafka, topic, listener="sasl", spec=login).check().endswith("has 1 partition(s) with 0 offsets.")
        wrong = {**login, "secret": PLANTED_SECRET}
        with pytest.raises(AccessDenied, match="the login is refused"):
            source(kafka, topic, listener="sasl", spec=wrong).check()

    def test_a_client_certificate(self, kafka: KafkaServer, private_ca: PrivateCa) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        issued = private_ca.issue("kafka-client", identities=("client.example.com",))
        files = {"client_cert_file": str(issued.certificate_path), "client_key_file": str(issued.key_path)}
        read = source(kafka, topic, listener="mtls", spec={"extra": files})
        assert values(read, list(read.discover(None))) == ["1"]
        with pytest.raises(AccessDenied) as raised:
            source(kafka, topic, listener="mtls").check()
        assert "client certificate" in str(raised.value)

    def test_a_bearer_token_of_the_sources_authentication(self, kafka: KafkaServer, web_server: WebServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        audience = AUDIENCE

        def token(request: Request) -> Reply:
            now = int(time.time())
            claims = {"iss": ISSUER, "aud": audience, "sub": "finport", "iat": now, "exp": now + 300}
            key = RSAKey.import_key(dict(kafka.signing_key))
            text = jwt.encode({"alg": "RS256", "kid": "test"}, claims, key)
            return json_reply({"access_token": text, "token_type": "Bearer", "expires_in": 300})

        web_server.add("/token", token)
        stated = {"method": "oauth2_client_credentials", "tokenUrl": web_server.url("/token")}
        auth = ClientCredentials.Options.model_validate(stated)
        login = {"login": "finport", "secret": PLANTED_SECRET}
        read = source(kafka, topic, listener="oauth", auth=auth, spec=login)
        assert values(read, list(read.discover(None))) == ["1"]
        audience = "somebody else"
        other = source(kafka, topic, listener="oauth", auth=auth, spec={**login, "login": "another"})
        with pytest.raises(AccessDenied, match="the login is refused"):
            other.check()

    def test_why_there_is_no_token_is_told(self, kafka: KafkaServer, web_server: WebServer) -> None:
        web_server.add("/token", error_reply(503))
        stated = {"method": "oauth2_client_credentials", "tokenUrl": web_server.url("/token")}
        auth = ClientCredentials.Options.model_validate(stated)
        login = {"login": "finport", "secret": PLANTED_SECRET}
        with pytest.raises(SourceUnavailable, match="token"):
            source(kafka, "any", listener="oauth", auth=auth, spec=login).check()

    def test_plaintext_wants_permission(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        spec = {"extra": {"security.protocol": "PLAINTEXT"}}
        with pytest.raises(ConfigError, match="would travel without TLS") as raised:
            source(kafka, topic, listener="plain", spec=spec).check()
        assert "allowPlaintext" in str(raised.value)
        read = source(kafka, topic, listener="plain", spec=spec, protection={"allow_plaintext": True})
        assert values(read, list(read.discover(None))) == ["1"]

    def test_private_addresses_want_permission(self, kafka: KafkaServer) -> None:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            source(kafka, "any", protection={"allow_private_network": False}).check()

    def test_a_broker_that_states_a_private_address_is_refused(self, kafka: KafkaServer) -> None:
        from finport_ingestion.engine.sources.kafka_topics.cluster import Cluster
        from finport_ingestion.engine.sources.kafka_topics.settings import way_to

        # As if a public server had answered: what is left to be refused is what it says of its brokers.
        read = access(
            connection("kafka", host="127.0.0.1", port=kafka.ports["tls"], extra={"ca_file": str(kafka.ca_path)}),
            protection={"allow_private_network": False},
        )
        cluster = Cluster(read, way_to(read, what="prices", token=None), topic="any", what="prices: topic any")
        with pytest.raises(AddressRefused, match="a broker's address"):
            cluster.admin()
        with pytest.raises(AddressRefused, match="a broker's address"):
            cluster.consumer({"group.id": "any"})
        cluster.close()

    def test_an_older_tls_wants_permission(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        with pytest.raises(ConfigError, match="no TLS version that is accepted"):
            source(kafka, topic, listener="tls12").check()
        assert source(kafka, topic, listener="tls12", protection={"min_tls": "1.2"}).check()

    def test_the_client_itself_speaks_no_older_tls(self, kafka: KafkaServer) -> None:
        from finport_ingestion.engine.sources.kafka_topics.cluster import Cluster
        from finport_ingestion.engine.sources.kafka_topics.settings import way_to

        spec = connection("kafka", host="127.0.0.1", port=kafka.ports["tls12"], extra={"ca_file": str(kafka.ca_path)})
        cluster = Cluster(access(spec), way_to(access(spec), what="prices", token=None), topic="any", what="prices")
        with pytest.raises(ConfigError, match="no TLS version that is accepted"):
            cluster.admin()

    def test_an_unknown_authority_is_not_trusted(self, kafka: KafkaServer) -> None:
        with pytest.raises(ConfigError, match="certificate is not trusted"):
            source(kafka, "any", protection={"ca_file": None}).check()

    def test_a_setting_that_turns_verification_off_is_refused(self, kafka: KafkaServer) -> None:
        for name in ("enable.ssl.certificate.verification", "ssl.endpoint.identification.algorithm"):
            with pytest.raises(ConfigError, match=name):
                source(kafka, "any", spec={"extra": {name: "none"}}).check()

    def test_there_is_no_way_through_a_proxy(self, kafka: KafkaServer) -> None:
        with pytest.raises(ConfigError, match="through no proxy"):
            source(kafka, "any", protection={"proxy": "http://127.0.0.1:1"}).check()

    def test_incremental_by_a_column_is_refused(self, kafka: KafkaServer) -> None:
        with pytest.raises(ConfigError, match="by its offsets"):
            source(kafka, "any", cursor="timestamp")


class TestBadDays:
    def test_a_broker_that_dies_while_it_is_read_is_an_error_that_is_tried_again(
        self, own_service: StartService
    ) -> None:
        server = own_service(SERVICE)
        topic = server.create_topic()
        server.write(topic, ["x" * 1000] * 30_000)
        read = source(server, topic, fetchRows=100, request_timeout_seconds=3)
        (item,) = read.discover(None)
        batches = read.read(item)
        next(batches)
        server.process.kill()
        with pytest.raises(SourceUnavailable) as raised:
            list(batches)
        assert raised.value.message.startswith("prices: ")

    def test_a_topic_that_is_cut_while_it_is_read_is_noticed(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1", "2", "3"])
        read = source(kafka, topic)
        items = list(read.discover(None))
        kafka.delete_before(topic, 0, 3)
        with pytest.raises(SourceItemChanged, match="offset 0 of partition 0 is not there any more"):
            rows(read, items)

    def test_tls_is_not_mistaken_for_a_broker(self, kafka: KafkaServer) -> None:
        way = {"spec": {"extra": {"tls": False}}, "protection": {"allow_plaintext": True}}
        with pytest.raises(SourceUnavailable) as raised:
            source(kafka, "any", listener="tls", **way).check()
        assert "speaks TLS" in str(raised.value)
        with pytest.raises((ConfigError, SourceUnavailable)):
            source(kafka, "any", listener="plain").check()

    def test_a_silent_server_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            spec = connection("kafka", host="127.0.0.1", port=silent.getsockname()[1])
            stated = KafkaSource.Options.model_validate({"protocol": "kafka", "topic": "any"})
            with pytest.raises(SourceUnavailable):
                KafkaSource(stated, access(spec, request_timeout_seconds=0.5)).check()

    def test_a_login_without_the_right_is_for_a_person(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        kafka.deny_read(topic, kafka.user)
        login = {"login": kafka.user, "secret": kafka.password, "extra": {"sasl.mechanism": "PLAIN"}}
        read = source(kafka, topic, listener="sasl", spec=login)
        with pytest.raises(AccessDenied, match="may not be read"):
            rows(read, list(read.discover(None)))

    def test_no_error_repeats_a_secret(self, kafka: KafkaServer) -> None:
        login = {"login": "nobody", "secret": PLANTED_SECRET}
        with pytest.raises(AccessDenied) as raised:
            source(kafka, "any", listener="sasl", spec=login).check()
        assert PLANTED_SECRET not in "".join(traceback.format_exception(raised.value))

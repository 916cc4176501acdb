"""The settings of the Kafka that tests use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.services.certificates import PrivateCa

# All of it would be 1,400 lines; the probe waits for the one line at INFO.
LOG4J = """<Configuration status="WARN">
<Appenders><Console name="C"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="C"/></Root>
<Logger name="kafka.server.KafkaRaftServer" level="INFO"/></Loggers></Configuration>
"""
ISSUER, AUDIENCE = "https://issuer.test", "kafka"
_PROTOCOLS = {
    "plain": "PLAINTEXT",
    "tls": "SSL",
    "tls12": "SSL",
    "mtls": "SSL",
    "sasl": "SASL_SSL",
    "oauth": "SASL_SSL",
    "controller": "PLAINTEXT",
}
# One broker, small logs, and nothing that waits for others.
_SMALL = """process.roles=broker,controller
node.id=1
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
num.network.threads=2
num.io.threads=2
background.threads=2
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=16777216
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=131072
log.cleaner.backoff.ms=200
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
"""
_PROTECTED = """ssl.keystore.type=PEM
ssl.truststore.type=PEM
ssl.enabled.protocols=TLSv1.2,TLSv1.3
listener.name.tls12.ssl.enabled.protocols=TLSv1.2
listener.name.mtls.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
"""


def listeners() -> tuple[str, ...]:
    """Their names; each wants a port."""
    return tuple(_PROTOCOLS)


def server_properties(home: Path, *, ports: Mapping[str, int], password: str, ca: PrivateCa) -> str:
    """The text of `server.properties`."""
    certificate = ca.issue(f"kafka-{ports['tls']}")
    keystore = home / "server.pem"
    keystore.touch(mode=0o600)
    keystore.write_text(_pkcs8(certificate.key_path) + certificate.certificate_path.read_text())
    addresses = {name.upper(): f"{name.upper()}://127.0.0.1:{port}" for name, port in ports.items()}
    stated = {
        "controller.quorum.voters": f"1@127.0.0.1:{ports['controller']}",
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(each for name, each in addresses.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{name.upper()}:{kind}" for name, kind in _PROTOCOLS.items()),
        "log.dirs": home / "data",
        "ssl.keystore.location": keystore,
        "ssl.truststore.location": ca.ca_path,
        "listener.name.sasl.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule"
        f' required user_alice="{password}";',
        "sasl.oauthbearer.jwks.endpoint.url": f"file://{home / 'jwks.json'}",
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": ISSUER,
    }
    return _SMALL + _PROTECTED + "".join(f"{name}={value}\n" for name, value in stated.items())


def oauth_keys(path: Path) -> dict[str, Any]:
    """Write the public key that tokens are verified with; the private one signs them."""
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048, parameters={"kid": "test", "use": "sig", "alg": "RS256"})
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key.as_dict(private=True)


def _pkcs8(path: Path) -> str:
    """The key as Java reads it."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

"""Apache Kafka: one broker without ZooKeeper, and a listener for each way to protect and to log in."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.services.builders import find_built, maven_jars
from tests.services.kafka_settings import LOG4J, listeners, oauth_keys, server_properties
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient

    from tests.services.plugin import StartService

VERSION = "4.3.1"
JARS = "jars"
CLASSES = "classes.jsa"
# The smallest that runs; C1 alone starts sooner and loses no speed that a test sees.
JAVA = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    f"org.apache.kafka:kafka-tools:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
_READY = "Kafka Server started"
_CLUSTER = "AQEBAQEBAQEBAQEBAQEBAQ"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaServer:
    """A running broker; `ports` by listener: plain, tls, tls12, mtls, sasl, oauth."""

    ports: Mapping[str, int]
    user: str
    password: str
    signing_key: Mapping[str, Any]  # JWK whose tokens the listener `oauth` takes
    ca_path: Path
    version: str
    process: ServerProcess

    @property
    def plain(self) -> str:
        """`host:port` of the listener for tests: without TLS and login, and with all rights."""
        return f"127.0.0.1:{self.ports['plain']}"

    def admin(self) -> AdminClient:
        """Keep a reference to it while its answers are waited for."""
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.plain, "log_level": 0})

    def producer(self, **settings: Any) -> Producer:
        """Writes to the partition that is named."""
        from confluent_kafka import Producer

        return Producer({"bootstrap.servers": self.plain, "log_level": 0, "linger.ms": 0, **settings})

    def write(
        self,
        topic: str,
        values: Sequence[str | bytes | None],
        *,
        partition: int = 0,
        transaction: Literal["commit", "abort", "open"] | None = None,
        **message: Any,
    ) -> Producer:
        """Write messages in their order; the producer, so that a transaction can be left open."""
        settings = {"transactional.id": secrets.token_hex(6)} if transaction else {}
        producer = self.producer(**settings)
        if transaction:
            producer.init_transactions(30)
            producer.begin_transaction()
        for value in values:
            producer.produce(topic, value=value, partition=partition, **message)
        producer.flush(30)
        if transaction == "commit":
            producer.commit_transaction(30)
        elif transaction == "abort":
            producer.abort_transaction(30)
        return producer

    def create_topic(
        self, *, partitions: int = 1, name: str | None = None, settings: Mapping[str, str] | None = None
    ) -> str:
        """A topic of its own, or one called `name`; its name."""
        from confluent_kafka.cimpl import NewTopic

        name = name or f"topic-{secrets.token_hex(6)}"
        admin = self.admin()
        made = admin.create_topics([NewTopic(name, partitions, 1, config=dict(settings or {}))])
        made[name].result(20)
        return name

    def deny_read(self, topic: str, user: str) -> None:
        """Take a user the right to read a topic."""
        from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
        from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

        what, whose = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL), (f"User:{user}", "*")
        rule = AclBinding(*what, *whose, AclOperation.READ, AclPermissionType.DENY)
        admin = self.admin()
        for future in admin.create_acls([rule]).values():
            future.result(20)

    def delete_topic(self, name: str) -> None:
        """Take it away, and wait until the broker says so."""
        admin = self.admin()
        admin.delete_topics([name])[name].result(20)

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """What retention does: the messages below `offset` are gone."""
        from confluent_kafka import TopicPartition

        admin = self.admin()
        where = TopicPartition(topic, partition, offset)
        for future in admin.delete_records([where]).values():
            future.result(20)


def _make(folder: Path) -> None:
    """The jars, and an archive of the classes that a start needs: it halves the time."""
    jars = folder / JARS
    maven_jars(jars, ARTIFACTS)
    with_archive = (*JAVA, f"-XX:ArchiveClassesAtExit={CLASSES}", "-cp", class_path(folder))
    # Any program of it loads most of the broker's classes; this one ends by itself.
    subprocess.run([*with_archive, "kafka.Kafka", "--version"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


BUILD = Build(version=f"{VERSION}-1", make=_make)


def class_path(folder: Path) -> str:
    """Relative to the folder, which is renamed once it is whole; the archive is bound to it word by word."""
    return ":".join(f"{JARS}/{jar.name}" for jar in sorted((folder / JARS).glob("*.jar")))


def find() -> Found | Missing:
    """What was built of it, where there is Java."""
    return find_built("kafka", BUILD, file=JARS, tool="java")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[KafkaServer]:
    """Format its folder and run it on free ports of 127.0.0.1."""
    folder = found.path.parent
    ports, password = {name: free_port() for name in listeners()}, secrets.token_urlsafe(12)
    home = workspace.folder
    signing_key = oauth_keys(home / "jwks.json")
    (home / "log4j2.xml").write_text(LOG4J)
    properties = home / "server.properties"
    properties.touch(mode=0o600)
    properties.write_text(server_properties(home, ports=ports, password=password, ca=workspace.ca))
    java = [
        *(*JAVA, f"-Dlog4j2.configurationFile={home / 'log4j2.xml'}"),
        f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={home / 'jwks.json'}",
        f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://{home / 'jwks.json'}",
        *("-cp", class_path(folder)),
    ]
    users = ["--add-scram", f"SCRAM-SHA-256=[name=alice,password={password}]"]
    users += ["--add-scram", f"SCRAM-SHA-512=[name=alice,password={password}]"]
    formatting = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties), *users]
    subprocess.run(formatting, cwd=folder, check=True, capture_output=True)
    shared = [java[0], f"-XX:SharedArchiveFile={CLASSES}", "-Xms256m", "-Xmx512m", *java[1:]]
    command = ServerCommand(arguments=[*shared, "kafka.Kafka", str(properties)], folder=folder, ready_seconds=90)
    log = home / "kafka.log"

    def answers() -> bool:
        # The port is open before it.
        return _READY in log.read_text(errors="replace")

    with workspace.serve("kafka", command=command, probe=answers) as process:
        yield KafkaServer(
            ports=ports,
            user="alice",
            password=password,
            signing_key=signing_key,
            ca_path=workspace.ca.ca_path,
            version=found.version,
            process=process,
        )


SERVICE: Service[KafkaServer] = Service(
    name="kafka",
    summary="Kafka sources",
    fixture="kafka",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def kafka(start_service: StartService) -> KafkaServer:
    """One Kafka for the session."""
    return start_service(SERVICE)

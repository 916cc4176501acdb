"""A cluster as long as a block: its clients, what they report, and the addresses that its brokers state.

librdkafka resolves and connects by itself, and cannot be told to which address: it connects to what brokers state as
theirs. So the servers of the connection are resolved, checked and tried first, over a socket of our own; and the
brokers that the first answer names are checked before anything is asked of them, those of later answers as soon as
they are known. What remains is a name server that gives librdkafka another address than us a moment before; under TLS
such a server would still need the broker's certificate.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from finport_ingestion.engine.errors import ConfigError, FinportError, SourceUnavailable
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.kafka_topics import codes
from finport_ingestion.engine.sources.kafka_topics.errors import is_decisive, translated
from finport_ingestion.engine.sources.kafka_topics.first_contact import try_servers
from finport_ingestion.engine.sources.kafka_topics.settings import Settings, Way

T = TypeVar("T")

_STEP_SECONDS = 0.25
_STATISTICS_MS = 1_000
_BUSY = {codes.NO_TRANSPORT, codes.TIMED_OUT, codes.NO_BROKER, KafkaError.REQUEST_TIMED_OUT}
_SILENT = logging.getLogger("finport_ingestion.kafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class Cluster:
    """Made by `reached`. Its methods raise our errors."""

    def __init__(self, access: Access, way: Way, *, topic: str, what: str) -> None:
        self.access = access
        self.topic = topic
        self.what = what
        self._way = way
        self._failure: FinportError | None = None
        self._checked: set[str] = set()
        self._closing: list[Callable[[], object]] = []

    def admin(self) -> AdminClient:
        """A client that asks about topics; the brokers' addresses are checked. Hold it no longer than the block."""
        try:
            client = AdminClient(self._settings(), logger=_SILENT)
        except KafkaException as error:
            raise self._unusable(error) from None
        self._check_brokers(client)
        return client

    def consumer(self, settings: Settings) -> Consumer:
        """A client that reads; the brokers' addresses are checked. It is closed with the block."""
        try:
            client = Consumer({**self._settings(), **settings}, logger=_SILENT)
        except KafkaException as error:
            raise self._unusable(error) from None
        self._closing.append(client.close)
        self._check_brokers(client)
        return client

    def answer(self, future: Future[T], client: AdminClient) -> T:
        """What was asked for, as soon as it is there, or the reason why it will not be."""
        until = time.monotonic() + self._patience()
        while True:
            client.poll(0)
            self.raise_failure()
            try:
                return future.result(_STEP_SECONDS)
            except TimeoutError:
                self._wait_on(until)
            except KafkaException as error:
                self.raise_failure()
                raise self.translated(error.args[0]) from None

    def raise_failure(self) -> None:
        """Raise what a client has reported that its own tries will not put right."""
        if self._failure is not None:
            raise self._failure

    def translated(self, error: KafkaError) -> FinportError:
        """An error of librdkafka as ours."""
        connection = self.access.connection
        return translated(error, what=self.what, connection_id=connection.id if connection else "")

    def close(self) -> None:
        """Close the clients; one that asks about topics closes when nobody holds it any more."""
        while self._closing:
            self._closing.pop()()

    def _settings(self) -> Settings:
        login = {"oauth_cb": self._hand_token} if self._way.login.token else {}
        return {
            **self._way.settings,
            **login,
            "error_cb": self._hear,
            "stats_cb": self._hear_statistics,
            "statistics.interval.ms": _STATISTICS_MS,
        }

    def _hand_token(self, _: str) -> tuple[str, float]:
        """A token for the client, which would only say that there was none."""
        if self._way.login.token is None:
            raise LookupError("nobody gives tokens")
        try:
            return self._way.login.token()
        except FinportError as error:
            self._failure = self._failure or error
            raise

    def _hear(self, error: KafkaError) -> None:
        if self._failure is None and is_decisive(error):
            self._failure = self.translated(error)

    def _hear_statistics(self, statistics: str) -> None:
        """Every broker that the client has heard of stands in them."""
        names = [broker["nodename"] for broker in json.loads(statistics)["brokers"].values() if broker["nodeid"] >= 0]
        try:
            for host, _, port in (name.rpartition(":") for name in names if name):
                self._check(host, int(port))
        except FinportError as error:
            self._failure = self._failure or error

    def _check_brokers(self, client: Any) -> None:
        until = time.monotonic() + self._patience()
        while True:
            try:
                brokers = client.list_topics(self.topic, timeout=_STEP_SECONDS).brokers
            except KafkaException as error:
                client.poll(0)
                self.raise_failure()
                if error.args[0].code() not in _BUSY:
                    raise self.translated(error.args[0]) from None
                self._wait_on(until)
            else:
                break
        for broker in brokers.values():
            self._check(broker.host, broker.port)

    def _check(self, host: str, port: int) -> None:
        """Raises AddressRefused where a broker states an address that the source may not reach."""
        if host in self._checked:
            return
        resolved(host, port, protection=self.access.protection, what=f"{self.what}: a broker's address")
        self._checked.add(host)

    def _patience(self) -> float:
        return self.access.deadline.bound(self.access.request_timeout_seconds)

    def _wait_on(self, until: float) -> None:
        self.access.deadline.check()
        if time.monotonic() > until:
            raise SourceUnavailable(f"{self.what}: no answer in time.", hint="try later; check the brokers")

    def _unusable(self, error: KafkaException) -> FinportError:
        if self._failure is not None:
            return self._failure
        # "ssl.ca.location failed: ..." names a file, never a secret.
        return ConfigError(
            f"{self.what}: the client cannot be set up ({error.args[0].name()}).",
            hint="check the files that the connection's extra names, and their PEM",
        )


@contextmanager
def reached(access: Access, way: Way, *, topic: str, what: str) -> Iterator[Cluster]:
    """The cluster, one of whose servers has answered.

    Raises:
        SourceUnavailable, AccessDenied, ConfigError: It cannot be reached, or not like this.
        AddressRefused: The source may not reach it, or one of its brokers.
    """
    if way.login.token is not None:
        way.login.token()  # the client would wait a while for one that does not come, and then not say why
    access.gate.admit(access.deadline)
    began = time.monotonic()
    try:
        try_servers(access, way, what=what)
    except SourceUnavailable:
        access.gate.report(Answer(outcome="failed", seconds=time.monotonic() - began))
        raise
    except FinportError:
        access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
        raise
    access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
    cluster = Cluster(access, way, topic=topic, what=what)
    try:
        yield cluster
    finally:
        cluster.close()

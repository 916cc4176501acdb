"""Events into a Redis Stream, for consumer groups.

The connection `finport_redis` (type `redis` or `rediss`, database number as schema) says where; its extra may set
`stream` (`finport.events`), `max_length` (about how many events the stream keeps; no limit otherwise) and `ca_path`
(the certificate authority of a server that speaks TLS).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from finport_ingestion.engine.connections import Connections, ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError, PermanentError, TransientError
from finport_ingestion.engine.events.interface import Outgoing

if TYPE_CHECKING:
    from redis import Redis

CONNECTION = "finport_redis"
STREAM = "finport.events"
_PORT = 6379
_SECONDS = 10


class RedisStreamsRelay:
    """One entry an event: its id, type, source and subject to choose by, and the CloudEvent as `event`."""

    def __init__(self, connection: ConnectionSpec, *, stream: str = STREAM, max_length: int | None = None) -> None:
        self._connection = connection
        self._stream = stream
        self._max_length = max_length

    @classmethod
    def connect(cls, connections: Connections) -> Self:
        """The stream that connection `finport_redis` names."""
        connection = connections.get(CONNECTION)
        max_length = str(connection.extra.get("max_length", ""))
        if max_length and not max_length.isdigit():
            raise ConfigError(f"connection '{CONNECTION}': max_length is no number.", hint="write one, or leave it out")
        stream = str(connection.extra.get("stream", STREAM))
        return cls(connection, stream=stream, max_length=int(max_length) if max_length else None)

    def send(self, events: Sequence[Outgoing]) -> None:
        """Add all of them in one transaction, so that a batch is there whole or not at all."""
        with self._translated(), self._client() as client, client.pipeline(transaction=True) as pipeline:
            for event in events:
                pipeline.xadd(
                    self._stream,
                    {
                        "id": event.id,
                        "type": event.type,
                        "source": event.source,
                        "subject": event.subject,
                        "event": event.body,
                    },
                    maxlen=self._max_length,
                    approximate=True,
                )
            pipeline.execute()

    def _client(self) -> Redis:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        connection = self._connection
        return Redis(
            host=connection.host or "localhost",
            port=connection.port or _PORT,
            db=int(connection.schema or 0),
            username=connection.login or None,
            password=connection.secret(),
            ssl=connection.kind == "rediss",
            ssl_ca_certs=connection.extra.get("ca_path"),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            retry=Retry(NoBackoff(), 0),  # the outbox tries again, and nobody waits for it
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        from redis import exceptions

        try:
            yield
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise AccessDenied(f"{self._where()} refuses the login.", hint=f"correct '{CONNECTION}'") from error
        except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.OutOfMemoryError) as error:
            raise TransientError(f"{self._where()} does not take events now: {error}.", hint="start it") from error
        except exceptions.RedisError as error:
            raise PermanentError(
                f"{self._where()} refuses events: {error}.", hint=f"is '{self._stream}' a stream?"
            ) from error

    def _where(self) -> str:
        return f"Redis at {self._connection.host or 'localhost'}:{self._connection.port or _PORT}"

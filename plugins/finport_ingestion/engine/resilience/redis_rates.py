"""The sliding windows of all credentials in Redis: one script call, by the server's clock.

The connection `finport_limits` (type `redis` or `rediss`, database number as schema) says where; its extra may set
`ca_path` (the certificate authority of a server that speaks TLS).
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.errors import StateUnavailable
from finport_ingestion.engine.resilience.rate_script import RATE_SCRIPT
from finport_ingestion.engine.resilience.window import Ask, Given

if TYPE_CHECKING:
    from redis import Redis

    from finport_ingestion.engine.connections import ConnectionSpec

CONNECTION = "finport_limits"
_PORT = 6379
_SECONDS = 2
"""A store that takes longer counts as not reachable: the process goes on with its share."""


class RedisRates:
    """See slots.py, RateStore."""

    def __init__(self, connection: ConnectionSpec) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._client: tuple[int, Redis, Any] | None = None

    def ask(self, ask: Ask) -> Given:
        """See slots.py."""
        from redis.exceptions import RedisError

        # One hash tag: a cluster keeps all keys on one node, as a script demands.
        keys = [f"{{finport}}:rate:{rule.key}" for rule in ask.rules]
        try:
            now, next_ms, *slots = self._script()(keys=keys, args=[_spelled(ask)])
        except RedisError as error:
            raise StateUnavailable(
                f"the limiter's Redis ('{CONNECTION}') cannot be used now: {type(error).__name__}.",
                hint="start it, or correct the connection; until then each process takes its share of the rate",
            ) from None
        return Given(now_ms=now, slots=tuple(slots), next_ms=None if next_ms < 0 else next_ms)

    def _script(self) -> Any:
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():
                client = self._connected()
                self._client = os.getpid(), client, client.register_script(RATE_SCRIPT)
            return self._client[2]

    def _connected(self) -> Redis:
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
            retry=Retry(NoBackoff(), 0),  # a second call would tell the same twice
        )


def _spelled(ask: Ask) -> str:
    rules = [
        {
            "requests": rule.requests,
            "window": rule.window_ms,
            "burst": rule.burst,
            "spread": rule.spread_ms,
            "grain": rule.grain_ms,
        }
        for rule in ask.rules
    ]
    told = {"used": ask.used, "unused": ask.unused, "apart": ask.apart}
    limits = {"want": ask.want, "horizon": ask.horizon_ms, "validity": ask.validity_ms, "hold": ask.hold_ms}
    return json.dumps({"rules": rules, **told, **limits})

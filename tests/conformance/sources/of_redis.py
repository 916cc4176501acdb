"""A stream of a Redis server over TLS, read by an ACL user who may do nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.redis_keys import RedisSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port
from tests.services.redis_server import RedisServer


class Trades:
    """See the module."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._user = f"reader-{secrets.token_hex(6)}"
        self._client: Any = redis.Redis.from_url(server.url)
        self._client.delete("trades")
        self._ids = [self._client.xadd("trades", {"symbol": f"S{i % 7}", "price": str(i / 4)}) for i in range(2500)]
        self._client.acl_setuser(
            self._user,
            enabled=True,
            passwords=[f"+{PLANTED_SECRET}"],
            keys=["trades"],
            categories=["+@read", "+@connection"],
        )

    def source(self) -> AnySource:
        return self._as()

    def change(self, item: SourceItem) -> None:
        self._client.xdel("trades", self._ids[1200])

    def remove(self, item: SourceItem) -> None:
        self._client.delete("trades")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._as(port=free_port())

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._as(secret=f"{PLANTED_SECRET}, mistyped")

    def close(self) -> None:
        self._client.acl_deluser(self._user)
        self._client.close()

    def _as(self, **fields: Any) -> AnySource:
        stated = {"host": "127.0.0.1", "port": self._server.tls_port, "login": self._user}
        spec = connection("redis", **{**stated, "extra": {"ca_file": str(self._server.ca_path)}, **fields})
        options = {"protocol": "redis", "stream": "trades", "fetchRows": 400}
        return RedisSource(RedisSource.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Trades:
    """A stream and a user of its own."""
    trades = Trades(request.getfixturevalue("redis_server"))
    request.addfinalizer(trades.close)
    return trades

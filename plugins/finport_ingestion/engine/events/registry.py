"""The relays that a policy may name."""

from __future__ import annotations

from collections.abc import Iterable

from finport_ingestion.engine.connections import Connections
from finport_ingestion.engine.events.interface import Relay
from finport_ingestion.engine.registry import Entry, Registry

RELAYS: Registry[type[Relay]] = Registry(
    "relay",
    {
        "log": Entry("finport_ingestion.engine.events.relays.log:LogRelay"),
        "redis_streams": Entry("finport_ingestion.engine.events.relays.redis_streams:RedisStreamsRelay"),
    },
)


def open_relays(names: Iterable[str], connections: Connections) -> dict[str, Relay]:
    """The relays called so, ready to send.

    Raises:
        UnknownPlugin: No relay is called so.
        MissingConnection: A relay's connection is not there.
    """
    return {name: RELAYS.get(name).connect(connections) for name in dict.fromkeys(names)}

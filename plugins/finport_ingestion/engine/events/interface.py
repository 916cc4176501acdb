"""What relays send, what a relay is, and what it needs of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

from finport_ingestion.engine.connections import Connections


class Outgoing(Protocol):
    """An event on its way out."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> bytes:
        """The CloudEvent as JSON."""
        ...


class Relay(Protocol):
    """A way out for events."""

    @classmethod
    def connect(cls, connections: Connections) -> Self:
        """The relay as the project's connections say. Reaches nothing yet."""
        ...

    def send(self, events: Sequence[Outgoing]) -> None:
        """Send all of them, in order; when it returns, they are safe on the other side.

        Raises:
            TransientError: Not all were sent; they will come again.
            PermanentError: They cannot be sent before a person mends something; they are kept all the same.
        """
        ...


class Outbox(Protocol):
    """Where events wait: the state database. `claimed` events are handed back as they came."""

    def claim_events(self, relay: str, limit: int) -> Sequence[Any]:
        """The oldest events (Outgoing) that wait for a relay, kept from other processes for a while."""
        ...

    def confirm_events(self, relay: str, events: Sequence[Any]) -> None:
        """The relay has sent them."""
        ...

    def return_events(self, relay: str, events: Sequence[Any], error: str) -> None:
        """The relay could not send them; they wait again."""
        ...

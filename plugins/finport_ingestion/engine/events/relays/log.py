"""Events as lines of JSON in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Self

from finport_ingestion.engine.connections import Connections
from finport_ingestion.engine.events.interface import Outgoing

LOGGER = "finport.events"


class LogRelay:
    """One line at INFO on the logger `finport.events`."""

    @classmethod
    def connect(cls, connections: Connections) -> Self:
        """Needs no connection."""
        return cls()

    def send(self, events: Sequence[Outgoing]) -> None:
        """Write them."""
        log = logging.getLogger(LOGGER)
        for event in events:
            log.info("%s", event.body.decode())

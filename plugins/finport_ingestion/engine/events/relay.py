"""Send what waits in the outbox: at least once, in order for each subject, whatever fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.events.interface import Outbox, Relay

BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """What became of it: events sent, and why a relay stopped, by relay."""

    sent: Mapping[str, int]
    failed: Mapping[str, str]


def relay_pending(outbox: Outbox, relays: Mapping[str, Relay], limit: int = BATCH) -> Relayed:
    """Send what waits for each of the relays, `limit` events at a time, until nothing waits.

    A relay that fails stops for this call: its events stay, oldest first, with the error beside them. A process that
    dies after sending and before saying so has its events sent again; consumers know them by their ids.
    """
    sent: dict[str, int] = {}
    failed: dict[str, str] = {}
    for name, relay in relays.items():
        sent[name] = 0
        while name not in failed and (events := outbox.claim_events(name, limit)):
            try:
                relay.send(events)
            except FinportError as error:
                outbox.return_events(name, events, str(error))
                failed[name] = str(error)
            else:
                outbox.confirm_events(name, events)
                sent[name] += len(events)
    return Relayed(sent=sent, failed=failed)

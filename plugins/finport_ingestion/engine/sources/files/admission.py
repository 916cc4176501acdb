"""The gate before a session: logins are what servers of files count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from finport_ingestion.engine.errors import FinportError, SourceUnavailable
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access


@contextmanager
def admitted(access: Access) -> Iterator[None]:
    """Begin a session within the block: it waits for the gate, and tells it how that went.

    Raises:
        RateLimited, CircuitOpen: It may not begin before the deadline.
    """
    access.gate.admit(access.deadline)
    since = time.monotonic()
    try:
        yield
    except FinportError as error:
        # Whoever refuses a login is up.
        is_up = not isinstance(error, SourceUnavailable)
        access.gate.report(Answer(outcome="good" if is_up else "failed", seconds=time.monotonic() - since))
        raise
    access.gate.report(Answer(outcome="good", seconds=time.monotonic() - since))

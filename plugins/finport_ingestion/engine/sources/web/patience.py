"""A page far into a collection is worth a few tries: giving up would mean to begin at the first one again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import CircuitOpen, QuotaUsed, RateLimited, SourceUnavailable, TransientError
from finport_ingestion.engine.network.runner import in_thread

T = TypeVar("T")

_TRIES = 4
_LONGEST_SECONDS = 60.0


async def persist(fetch: Callable[[], Awaitable[T]], failed: TransientError, *, deadline: Deadline) -> T:
    """What `fetch` gives, which has `failed`, as long as the server is busy and the deadline is far enough.

    Raises:
        SourceUnavailable, RateLimited: It stays so, or asks for more than a minute.
    """
    for tried in range(_TRIES - 1):
        asked = getattr(failed, "retry_after_seconds", None)
        wait = float(2**tried) if asked is None else asked
        if isinstance(failed, CircuitOpen | QuotaUsed) or wait > min(_LONGEST_SECONDS, deadline.seconds_left()):
            break
        await in_thread(partial(deadline.clock.sleep, wait))
        try:
            return await fetch()
        except (SourceUnavailable, RateLimited) as error:
            failed = error
    raise failed

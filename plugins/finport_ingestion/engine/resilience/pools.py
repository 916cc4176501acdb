"""How many connections this process may hold: 50 pools of 100, shared by the sources that are open.

A source that needs more than one pool's worth takes several. Connections live in one process only (a task is forked),
so there is nothing to share with other processes; what they all send is bounded by the rate.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from finport_ingestion.engine.errors import RateLimited

POOLS = 50
CONNECTIONS_A_POOL = 100


@dataclass(frozen=True, slots=True)
class PoolShare:
    """What a source holds; give it to `release` when it is closed."""

    connections: int
    pools: int


class PoolBudget:
    """The pools that are left."""

    def __init__(self, pools: int = POOLS, connections_a_pool: int = CONNECTIONS_A_POOL) -> None:
        self._all, self._each = pools, connections_a_pool
        self._lock = threading.Lock()
        self._used = 0

    @property
    def connections_left(self) -> int:
        """How many more connections can be had."""
        with self._lock:
            return (self._all - self._used) * self._each

    def take(self, wanted: int) -> PoolShare:
        """As many connections as are wanted, or as are left.

        Raises:
            RateLimited: All pools are in use.
        """
        with self._lock:
            pools = min(math.ceil(wanted / self._each), self._all - self._used)
            if pools == 0:
                raise RateLimited(
                    f"all {self._all} pools of this process are in use ({self._all * self._each} connections).",
                    hint="open fewer sources at a time in one process, or lower limits.connections",
                )
            self._used += pools
            return PoolShare(connections=min(wanted, pools * self._each), pools=pools)

    def release(self, share: PoolShare) -> None:
        """The source is closed."""
        with self._lock:
            self._used -= share.pools


BUDGET = PoolBudget()
"""That of this process; a forked child begins with what its parent holds, and never with more."""

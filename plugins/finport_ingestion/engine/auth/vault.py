"""Where tokens are shared: one task or process fetches a token, the others take it, or wait until it is there.

A vault holds sealed bytes under names that tell nothing; who may open them knows the client's own secret (`sealing`).
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What lies under a name; `version` grows with each change, and is 0 where nothing was ever kept."""

    sealed: bytes | None = field(default=None, repr=False)
    version: int = 0


class TokenVault(Protocol):
    """See the module. All methods may be called from any thread, and raise StateUnavailable when it cannot be reached.

    A claim is the right to fetch a token; it ends when it is given back, when its holder is known to be dead, or after
    its time.
    """

    def look(self, key: str) -> Kept:
        """What is kept."""
        ...

    def claim(self, key: str, *, seconds: float) -> str | None:
        """The name of a claim that is ours now; None while another one has it."""
        ...

    def keep(self, key: str, sealed: bytes, *, after: int) -> bool:
        """Keep this durably, unless the version is not `after` any more; whether it was kept."""
        ...

    def give_back(self, key: str, *, claim: str) -> None:
        """Another one may fetch now. Nothing happens where the claim is lost already."""
        ...


class LocalVault:
    """Tokens of one process, for its threads. A claim ends when it is given back: no thread dies alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}
        self._claims: dict[str, str] = {}

    def look(self, key: str) -> Kept:
        with self._lock:
            return self._kept.get(key, Kept())

    def claim(self, key: str, *, seconds: float) -> str | None:
        claim = secrets.token_hex(8)
        with self._lock:
            return claim if self._claims.setdefault(key, claim) == claim else None

    def keep(self, key: str, sealed: bytes, *, after: int) -> bool:
        with self._lock:
            if self._kept.get(key, Kept()).version != after:
                return False
            self._kept[key] = Kept(sealed=sealed, version=after + 1)
            return True

    def give_back(self, key: str, *, claim: str) -> None:
        with self._lock:
            if self._claims.get(key) == claim:
                del self._claims[key]


OF_THIS_PROCESS = LocalVault()
"""Where tokens are kept when nothing is shared with other processes."""

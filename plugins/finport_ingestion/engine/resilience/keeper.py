"""One thread of this process that tells stores what gates learnt, so that no request waits for that.

It lives while gates are in use. A forked child has none of its parent's: slots that both held would be used twice.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import FinportError

if TYPE_CHECKING:
    from finport_ingestion.engine.resilience.credential_gate import CredentialGate

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.25


class Keeper:
    """Tends the gates that are in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[int, CredentialGate] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, gate: CredentialGate) -> None:
        """Begin to tend a gate."""
        with self._lock:
            self._gates[id(gate)] = gate
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="finport-gates", daemon=True)
                self._thread.start()

    def drop(self, gate: CredentialGate) -> None:
        """Its last user has left; it is kept where somebody has come meanwhile."""
        with self._lock:
            if not gate.used:
                self._gates.pop(id(gate), None)
        self._wake.set()

    def hurry(self) -> None:
        """There is something that other processes should know soon."""
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(_PAUSE_SECONDS)
            self._wake.clear()
            with self._lock:
                gates = list(self._gates.values())
                if not gates:
                    self._thread = None
                    return
            for gate in gates:
                try:
                    gate.tend()
                except FinportError as error:
                    # Whoever sends the next request meets it too, and can say so.
                    log.warning("%s: %s", gate.key, error)


_keepers: dict[int, Keeper] = {}


def keeper() -> Keeper:
    """That of this process."""
    return _keepers.setdefault(os.getpid(), Keeper())

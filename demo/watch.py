"""Follows a run in the ledger while it goes on, and tells a board about each step that ends."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from finport_ingestion.engine.state.reading import StepRow
    from finport_ingestion.engine.state.state import State

_PAUSE_SECONDS = 0.2


class Board(Protocol):
    """Where steps are shown."""

    def show(self, steps: list[StepRow]) -> None:
        """All steps of the run so far, in order."""
        ...


class Watch:
    """A thread that reads the ledger's newest run of a workflow until it is left."""

    def __init__(self, state: State, workflow: str, board: Board) -> None:
        self._state, self._workflow, self._board = state, workflow, board
        self._before = {run.key.run_id for run in state.runs(limit=1, workflow=workflow)}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _follow(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            self._look()

    def _look(self) -> None:
        for run in self._state.runs(limit=1, workflow=self._workflow):
            if run.key.run_id not in self._before:
                self._board.show(self._state.steps(f"{run.key.workflow}/{run.key.run_id}"))

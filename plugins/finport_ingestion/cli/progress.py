"""What a person sees while a run works: a line for each step, with what has gone through it so far."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from finport_ingestion.cli import screen
from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Phase
from finport_ingestion.engine.workflow.perform import StepFailed, Unit

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from finport_ingestion.engine.workflow.plan import Plan

Ending = StepResult | Skipped | StepFailed


class Watch:
    """Follows a run: counts what steps report on the way, and tells how each ended. Used as a context.

    On a terminal the lines move; elsewhere one line is written for each step that ends, and none when `quiet`.
    """

    def __init__(self, plan: Plan, sources: Sequence[str], *, quiet: bool = False) -> None:
        self._waiting = [(source, step.name) for source in sources for step in plan.steps]
        self._moving = screen.is_terminal(sys.stderr) and not quiet
        self._quiet = quiet
        self._lock = threading.Lock()
        self._began_at = time.monotonic()
        self._items = self._size_bytes = self._rows = 0
        self._bars: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        if self._moving:
            self._bars = _bars()
            self._bars.start()
        self._next()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def advance(self, *, items: int = 0, size_bytes: int = 0, rows: int = 0) -> None:
        """So much more is done; called from several threads."""
        with self._lock:
            self._items += items
            self._size_bytes += size_bytes
            self._rows += rows
            if self._bars is not None and self._bar is not None:
                self._bars.update(self._bar, told=self._done())

    def report(self, unit: Unit, ending: Ending) -> None:
        """A unit of work has ended, or a try of it has failed."""
        with self._lock:
            if isinstance(ending, StepFailed) and ending.decision.again:
                self._tell(unit, f"a try failed: {ending.error}; {ending.decision.reason}")
            elif isinstance(ending, StepFailed):
                self._end(unit, "failed", str(ending.error))
                self._leave(unit.source)
            elif isinstance(ending, Skipped):
                self._end(unit, "skipped", ending.message)
                self._leave(unit.source)
            elif unit.phase in (Phase.RUN, Phase.SEAL):
                self._end(unit, "succeeded", "; ".join(ending.notes) or self._done())

    def _end(self, unit: Unit, status: str, told: str) -> None:
        if (unit.source, unit.step) not in self._waiting:
            return  # of several batches that fail, the first one tells
        seconds = time.monotonic() - self._began_at
        if self._bars is not None and self._bar is not None:
            self._bars.update(self._bar, completed=1, mark=status, told=told)
        elif not self._quiet:
            screen.remark(
                f"{unit.source} {unit.step}: {status} in {screen.spell_seconds(seconds)} s{f'; {told}' if told else ''}"
            )
        self._waiting = [each for each in self._waiting if each != (unit.source, unit.step)]
        self._next()

    def _leave(self, source: str) -> None:
        """The source's other steps do not come any more."""
        ahead = self._waiting[0][0] if self._waiting else None
        self._waiting = [each for each in self._waiting if each[0] != source]
        if ahead == source:
            if self._bars is not None and self._bar is not None:
                self._bars.remove_task(self._bar)
            self._next()

    def _next(self) -> None:
        self._items = self._size_bytes = self._rows = 0
        self._began_at = time.monotonic()
        self._bar = None
        if self._bars is not None and self._waiting:
            source, step = self._waiting[0]
            self._bar = self._bars.add_task(f"{source} {step}", total=1, told="", mark="")

    def _done(self) -> str:
        counts = (
            f"{self._items:,} items" if self._items else "",
            screen.spell_bytes(self._size_bytes) if self._size_bytes else "",
            f"{self._rows:,} rows" if self._rows else "",
        )
        return ", ".join(count for count in counts if count)

    def _tell(self, unit: Unit, text: str) -> None:
        if self._bars is not None:
            from rich.text import Text

            self._bars.console.print(Text(f"{unit.source} {unit.step}: {text}", style="yellow"))
        elif not self._quiet:
            screen.remark(f"{unit.source} {unit.step}: {text}")


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[mark]}", markup=False),
        TextColumn("{task.fields[told]}", markup=False, style="dim"),
        console=Console(stderr=True, highlight=False),
    )

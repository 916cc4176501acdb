"""What a person sees of the demo: a line for each thing that is done, a table, five rows, and what to try next."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.board import StepBoard
from demo.one_process import AirflowRun

if TYPE_CHECKING:
    from finport_ingestion.engine.state.reading import RunRow, SourceOutcome, StepRow
    from finport_ingestion.engine.workflow.services import Services

_ROWS = 5
_LOG_LINES = 40
_LEAST_WIDTH = 104


class Report:
    """Writes to the terminal, also while the process's own output goes into a log."""

    def __init__(self, *, started: float) -> None:
        self._started = started
        self._console = Console(highlight=False)

    def attach(self, terminal: int) -> None:
        """Write to this descriptor from now on."""
        width = self._console.width if self._console.is_terminal else max(self._console.width, _LEAST_WIDTH)
        self._console = Console(file=os.fdopen(os.dup(terminal), "w"), highlight=False, width=width)

    def headline(self) -> None:
        self._console.print("[bold]FinPort Ingestion[/]: the standard workflow on real market data\n")

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Say what is done, and how long it took."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._console.print(f"[red]✗[/] {what}")
            raise
        self._console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - began:.1f} s[/]")

    def steps(self) -> StepBoard:
        """Where the run's steps are shown as they end."""
        return StepBoard(self._console)

    def conclude(self, run: AirflowRun, services: Services, log: Path) -> int:
        """Show what came of the run; the exit status."""
        row = services.state.run(run.run_id)
        steps = services.state.steps(run.run_id)
        self._console.print()
        self._console.print(_sources_table(row, steps))
        if run.state != "success":
            return self._failed(row, log)
        self._skips(row)
        self._rows_back(row, services)
        self._next(run.run_id)
        return 0

    def _failed(self, row: RunRow, log: Path) -> int:
        for outcome in row.sources:
            if outcome.status == "failed":
                self._console.print(f"\n[bold red]{outcome.source} failed:[/] {outcome.reason}")
        lines = log.read_text(errors="replace").splitlines()
        self._console.print(f"\n[dim]The last lines of the tasks' log ({log}):[/]")
        for line in lines[-_LOG_LINES:]:
            self._console.print(line, markup=False, soft_wrap=True)
        return 1

    def _skips(self, row: RunRow) -> None:
        skipped = [outcome for outcome in row.sources if outcome.status == "skipped"]
        for outcome in skipped:
            self._console.print(f"[yellow]skipped[/] {outcome.reason}")
        if skipped:
            self._console.print("[dim]FORCE=1 make demo takes them again[/]")

    def _rows_back(self, row: RunRow, services: Services) -> None:
        from finport_ingestion.engine.store.read import open_snapshot

        dataset = "equity-prices"
        snapshot = open_snapshot(services.places.at(f"store/{dataset}"))
        title = f"Five of {snapshot.row_count:,} rows, read back from {dataset}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        rows = snapshot.to_table().slice(0, _ROWS)
        for name in rows.column_names:
            table.add_column(name, justify="left" if name in ("symbol", "date") else "right")
        for values in rows.to_pylist():
            table.add_row(*(_shown(value) for value in values.values()))
        self._console.print()
        self._console.print(table)

    def _next(self, run_id: str) -> None:
        seconds = time.monotonic() - self._started
        self._console.print(f"\nDone in {seconds:.0f} s. Try next:")
        for command, why in (
            ("make demo", "once more: unchanged sources are skipped, and it says why"),
            (f".venv/bin/finport show {run_id}", "what happened, step by step"),
            (f".venv/bin/finport quarantine show {run_id}", "the bad rows: row, column, rule, masked value"),
            (".venv/bin/finport read commodity-prices", "a dataset, through a snapshot"),
            ("make start", "Airflow's UI on http://127.0.0.1:8080, with these sources"),
        ):
            self._console.print(f"  [bold]{command}[/]  [dim]{why}[/]", soft_wrap=True)


def _sources_table(row: RunRow, steps: list[StepRow]) -> Table:
    table = Table(title=f"Run {row.key.run_id}", title_justify="left", box=SIMPLE_HEAD)
    for name in ("source", "rows read", "passed", "quarantined", "score", "seconds", "rows/s", "where it lies"):
        texts = name in ("source", "where it lies")
        table.add_column(name, justify="left" if texts else "right", no_wrap=name == "source")
    for outcome in row.sources:
        table.add_row(*_source_cells(outcome, [step for step in steps if step.source == outcome.source]))
    return table


def _shown(value: object) -> str:
    # Exact, without the zeros that the column's scale adds.
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _source_cells(outcome: SourceOutcome, steps: list[StepRow]) -> list[str]:
    results = {(step.step, str(step.phase)): step.result for step in steps if step.result is not None}
    converted, checked, stored = (
        results.get(key) for key in (("convert", "seal"), ("quality", "run"), ("store", "run"))
    )
    seconds = sum(
        (step.ended_at - step.started_at).total_seconds() for step in steps if step.ended_at and step.started_at
    )
    if checked is None or converted is None:
        return [outcome.source, *["-"] * 4, f"{seconds:.1f}", "-", str(outcome.status)]
    return [
        outcome.source,
        f"{converted.rows_read:,}",
        f"{checked.rows_passed:,}",
        f"{converted.rows_quarantined + checked.rows_quarantined:,}",
        f"{checked.score:.2f}" if checked.score is not None else "-",
        f"{seconds:.1f}",
        f"{converted.rows_read / seconds:,.0f}" if seconds else "-",
        (stored.place or "-") if stored else str(outcome.status),
    ]

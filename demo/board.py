"""A line for each step that ends, while the run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from finport_ingestion.engine.state.reading import StepRow

_MARKS = {"succeeded": "[green]✓[/]", "skipped": "[yellow]-[/]", "failed": "[red]✗[/]", "retrying": "[yellow]↻[/]"}


class StepBoard:
    """Prints each step once, when it has ended; batches are shown with their step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[tuple[object, ...]] = set()

    def show(self, steps: list[StepRow]) -> None:
        """Print what has ended since the last call."""
        for step in sorted(steps, key=lambda row: (row.ended_at is None, row.ended_at)):
            key = (step.source, step.step, step.phase, step.batch, step.status, step.try_number)
            if step.ended_at is None or str(step.status) not in _MARKS or key in self._shown:
                continue
            self._shown.add(key)
            self._console.print(_line(step), soft_wrap=True)


def _line(step: StepRow) -> str:
    batch = "" if step.batch is None else f" {step.batch + 1}"
    phase = "" if str(step.phase) == "run" else f" ({step.phase}{batch})"
    seconds = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else 0.0
    mark = _MARKS[str(step.status)]
    return f"  {mark} {step.source:<18} {step.step + phase:<20} [dim]{seconds:5.1f} s  {_facts(step)}[/]"


def _facts(step: StepRow) -> str:
    if step.result is None:
        return step.reason or ""
    result = step.result
    facts = [
        f"{result.items} items" if result.items else "",
        f"{result.size_bytes:,} bytes" if result.size_bytes else "",
        f"{result.rows_passed or result.rows_read:,} rows" if result.rows_passed or result.rows_read else "",
        f"{result.rows_quarantined} quarantined" if result.rows_quarantined else "",
        f"score {result.score:.2f}" if result.score is not None else "",
        *result.notes[:1],
    ]
    return ", ".join(fact for fact in facts if fact)

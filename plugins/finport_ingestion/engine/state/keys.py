"""How the ledger names what it keeps: a step of a source's run, a source's part of a run, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from finport_ingestion.engine.state.tables import NO_BATCH
from finport_ingestion.engine.step import Phase, RunKey


class Driver(StrEnum):
    """What runs the steps, and so what the end of a process means."""

    AIRFLOW = "airflow"  # a process a task: between two steps nobody runs
    CLI = "cli"  # one process for the whole run: when it ends, the run has ended
    DAG_TEST = "dag-test"  # Airflow in one process, which is the same


class Status(StrEnum):
    """Where a run, a source's part of it, or a step stands."""

    RUNNING = "running"
    RETRYING = "retrying"  # a step failed and is tried again
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABANDONED = "abandoned"  # its process is gone, or its lease was taken over: to be reconciled


OPEN = (Status.RUNNING, Status.ABANDONED)
"""What a saga's status may be before it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKey:
    """One unit of work: a phase of a step, on one source, in one run."""

    run: RunKey
    source: str
    dataset: str
    step: str
    phase: Phase = Phase.RUN
    batch: int | None = None

    def columns(self) -> dict[str, str | int]:
        """The key columns of every table that is kept a step."""
        batch = NO_BATCH if self.batch is None else self.batch
        return {**source_columns(self.run, self.source), "step": self.step, "phase": str(self.phase), "batch": batch}


def run_columns(run: RunKey) -> dict[str, str]:
    """The key columns of every table that is kept a run."""
    return {"workflow": run.workflow, "run_id": run.run_id}


def source_columns(run: RunKey, source: str) -> dict[str, str]:
    """The key columns of a source's part of a run."""
    return {**run_columns(run), "source": source}

"""What a step is, and all that it may use. Airflow's operators and `finport ingest` are two drivers of the same steps.

A step reads its upstream manifest, writes its own at a place that is a function of (workflow, source, run, step,
batch), and reports facts. It writes no state: the driver commits the ledger, the publication and the events of a step
in one transaction, after the step's data is durable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import Fingerprint, Manifest, Publication, StepResult, Watermark

if TYPE_CHECKING:
    from upath import UPath

    from finport_ingestion.engine.auth.vault import TokenVault
    from finport_ingestion.engine.clock import Clock, Deadline
    from finport_ingestion.engine.connections import Connections
    from finport_ingestion.engine.files import Places
    from finport_ingestion.engine.resilience.watch import Watch
    from finport_ingestion.engine.workflow.plan import Plan, PlannedSource, PlannedStep


class Phase(StrEnum):
    """The units of work that a step is made of; each is one task in Airflow."""

    RUN = "run"  # a whole step
    SPLIT = "split"  # of a parallel step: what to work on, dealt into batches
    BATCH = "batch"  # of a parallel step: one batch
    SEAL = "seal"  # of a parallel step: all batches are there; writes the manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """One run of a workflow."""

    workflow: str
    run_id: str
    run_after: datetime  # the moment the run stands for; aware

    def __str__(self) -> str:
        """`workflow/run id`: unique over workflows."""
        return f"{self.workflow}/{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the person who started the run asked for (OF-12)."""

    force_run_all: bool = False
    skip_frequency_check: bool = False
    skip_dependency_check: bool = False
    skip_change_detection: bool = False
    skip_data_quality: bool = False
    dry_run: bool = False
    replay_of: str | None = None  # a run id whose landed bytes are used instead of the source
    backfill_from: str | None = None  # take the records of a window of the cursor again; with `backfill_until`
    backfill_until: str | None = None  # the end of the window, which is not part of it

    @property
    def backfills(self) -> bool:
        return self.backfill_from is not None


class Memory(Protocol):
    """What a step may ask about earlier runs."""

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        """What is published now, by item id."""
        ...

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        """Where the last publication of the source stands."""
        ...

    def published_at(self, source: str, dataset: str) -> datetime | None:
        """When the source last published into the dataset."""
        ...

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        """When any source last published into the dataset (or asset)."""
        ...


class Progress(Protocol):
    """Tells a person how far a step is."""

    def advance(self, *, items: int = 0, size_bytes: int = 0, rows: int = 0) -> None:
        """So much more is done."""
        ...


class NoProgress:
    """Nobody watches."""

    def advance(self, *, items: int = 0, size_bytes: int = 0, rows: int = 0) -> None:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """All that a step may use."""

    plan: Plan
    source: PlannedSource
    step: PlannedStep
    run: RunKey
    batch: int | None
    deadline: Deadline
    places: Places
    connections: Connections
    memory: Memory
    clock: Clock
    progress: Progress = field(default_factory=NoProgress)
    flags: Flags = field(default_factory=Flags)
    gates: Watch | None = None  # the limits that all processes share; without it, those of this process
    vault: TokenVault | None = None  # where tokens are shared with other processes

    def folder(self, area: str, step: str | None = None) -> UPath:
        """The folder of this run and source in an area; `staging` has one for each step."""
        folder = self.places.at(f"{area}/{self.run.workflow}/{self.source.folder}/{safe_name(self.run.run_id)}")
        return folder / (step or self.step.name) if area == "staging" else folder

    def upstream(self) -> Manifest:
        """The manifest of the nearest earlier step that left one.

        Raises:
            PermanentError: There is none: the run was cleaned up, or steps are missing in the workflow.
        """
        for step in self.plan.before(self.step.name):
            path = self.folder("staging", step) / "manifest.json"
            if path.exists():
                return Manifest.from_json(path.read_bytes())
        raise PermanentError(
            f"{self.source.name}: step '{self.step.name}' finds no manifest of an earlier step.",
            hint=f"start the run again from its first step, or 'finport replay {self.run.run_id}'",
        )

    def write_manifest(self, manifest: Manifest) -> str:
        """Write the step's manifest, last of all; its uri."""
        path = self.folder("staging") / "manifest.json"
        write_bytes(path, manifest.to_json())
        return self.places.relative(path)

    def manifest(self, **fields: Any) -> Manifest:
        """A manifest of this step, with the ids filled in."""
        from finport_ingestion import __version__

        ids = {
            "workflow": self.run.workflow,
            "source": self.source.name,
            "dataset": self.source.dataset,
            "run_id": self.run.run_id,
            "step": self.step.name,
            "plan": self.plan.digest,
            "package": __version__,
        }
        facts = {**self.source.rights_facts, **self.source.service_facts, **fields.pop("facts", {})}
        return Manifest(**{**ids, **fields, "facts": facts})


@runtime_checkable
class Step(Protocol):
    """An action that is one unit of work."""

    def run(self, context: StepContext) -> StepResult:
        """Do it. Raises Skipped with the reason when there is nothing to do."""
        ...


@runtime_checkable
class ParallelStep(Protocol):
    """An action whose work is dealt into batches. Every phase may be repeated and then finds what is there."""

    def split(self, context: StepContext) -> StepResult:
        """Deal the work into at most `context.step.parallel` batches; `result.batches` says how many."""
        ...

    def work(self, context: StepContext) -> StepResult:
        """Work on batch `context.batch`."""
        ...

    def seal(self, context: StepContext) -> StepResult:
        """All batches are done: write the manifest."""
        ...


@runtime_checkable
class Publishing(Step, Protocol):
    """An action whose effect others see, and which can be found and taken back when its source's run fails later."""

    def find(self, context: StepContext) -> Publication | None:
        """What this run has published for this source, by the storage's own commit log."""
        ...

    def compensate(self, context: StepContext) -> str:
        """Take back what this run published, if it did; one sentence about it. May be repeated."""
        ...


def safe_name(text: str) -> str:
    """`text` as one path segment: everything but letters, digits, '.', '_', '-', '=' is percent-encoded."""
    kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-="
    encoded = "".join(c if c in kept else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)
    return f"%{ord(encoded[0]):02X}{encoded[1:]}" if encoded.startswith(".") else encoded

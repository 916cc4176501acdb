"""Run a plan in this process, without Airflow: `finport ingest`, `finport replay` and the crash tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, NoProgress, Phase, Progress, RunKey
from finport_ingestion.engine.workflow import lifecycle
from finport_ingestion.engine.workflow.perform import StepFailed, Unit, perform
from finport_ingestion.engine.workflow.plan import Plan, PlannedStep
from finport_ingestion.engine.workflow.registry import action

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.services import Services

_MOST_THREADS = 8

Report = Callable[[Unit, StepResult | Skipped | StepFailed], None]
"""Told of the end of each unit, and of each try that failed."""


def _no_report(unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """One run of a plan in this process; call it once."""

    plan: Plan
    run: RunKey
    services: Services
    sources: tuple[str, ...] = ()  # all of the plan by default
    flags: Flags = field(default_factory=Flags)
    progress: Progress = field(default_factory=NoProgress)
    report: Report = _no_report

    def __call__(self) -> lifecycle.Outcome:
        """Work on the sources one after the other; one that fails does not stop the others."""
        lifecycle.begin(self.plan, self.run, self.flags, self.services, driver="cli")
        plan = lifecycle.pinned_plan(self.run, self.services)
        selected = [name for name in plan.source_order() if not self.sources or name in self.sources]
        for name in selected:
            all(self._step(plan, step, name) for step in plan.steps)
        return lifecycle.finish(plan, self.run, self.services, sources=selected)

    def _step(self, plan: Plan, step: PlannedStep, source: str) -> bool:
        """Whether the next step may begin."""
        unit = Unit(
            plan=plan,
            run=self.run,
            source=source,
            step=step.name,
            phase=Phase.RUN,
            flags=self.flags,
            progress=self.progress,
        )
        if not action(step.agent, step.action).parallel:
            return self._unit(unit) is not None
        split = self._unit(replace(unit, phase=Phase.SPLIT))
        if split is None:
            return False
        batches = [replace(unit, phase=Phase.BATCH, batch=number) for number in range(split.batches or 0)]
        with ThreadPoolExecutor(max_workers=min(step.parallel or 1, _MOST_THREADS)) as threads:
            results = list(threads.map(self._unit, batches))
        return None not in results and self._unit(replace(unit, phase=Phase.SEAL)) is not None

    def _unit(self, unit: Unit) -> StepResult | None:
        """The result, after as many tries as the plan allows; None when the source is skipped or has failed."""
        for number in itertools.count(1):
            try:
                result = perform(replace(unit, try_number=number), self.services)
            except Skipped as skipped:
                self.report(unit, skipped)
                return None
            except StepFailed as failure:
                self.report(unit, failure)
                if failure.decision.delay_seconds is None:
                    return None
                self.services.clock.sleep(failure.decision.delay_seconds)
            else:
                self.report(unit, result)
                return result
        raise AssertionError("unreachable")

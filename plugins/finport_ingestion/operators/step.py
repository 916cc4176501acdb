"""One phase of a step of a plan, as a task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Phase
from finport_ingestion.engine.workflow.lifecycle import pinned_plan
from finport_ingestion.engine.workflow.perform import Unit, deadline_of, perform
from finport_ingestion.factory.params import flags_of, selected, window_of
from finport_ingestion.operators.errors import as_airflow
from finport_ingestion.operators.surroundings import run_key, services_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from finport_ingestion.engine.workflow.services import Services


class StepOperator(BaseOperator):
    """Carries out one phase of a step for one source.

    Args:
        workflow: Name of the Workflow document.
        plan_digest: Of the compiled plan; a template field, so that each change of a document is a DAG version.
        source: Name of the Source document.
        step: Name of the step in the workflow.
        phase: `run`, or `split`, `batch` and `seal` of a step that deals its work.
        batch: The number of the batch; mapped.
    """

    template_fields: Sequence[str] = ("plan_digest",)

    def __init__(
        self,
        *,
        workflow: str,
        plan_digest: str,
        source: str,
        step: str,
        phase: str,
        batch: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.workflow = workflow
        self.plan_digest = plan_digest
        self.source = source
        self.step = step
        self.phase = phase
        self.batch = batch

    def pre_execute(self, context: Context) -> None:
        """Give the try no more time than the workflow has left; SIGALRM then ends what no client call bounds."""
        services = services_of(self)
        with as_airflow():
            left = deadline_of(self._unit(context, services), services).seconds_left()
        planned = self.execution_timeout
        if planned is not None and 0 < left < planned.total_seconds():
            self.execution_timeout = timedelta(seconds=left)

    def execute(self, context: Context) -> Any:
        """Batch numbers from a split, facts from everything else.

        Raises:
            AirflowSkipException: There was nothing to do; the reason is in the XCom `skipped_because`.
        """
        services = services_of(self)
        with as_airflow(context):
            unit = self._unit(context, services)
            if not selected(context["params"], self.source):
                raise Skipped(f"{self.source} was not chosen for this run")
            result = perform(unit, services)
        self._report(result)
        return list(range(result.batches)) if result.batches is not None else _facts(result)

    def _unit(self, context: Context, services: Services) -> Unit:
        run = run_key(self.workflow, context)
        return Unit(
            plan=pinned_plan(run, services),
            run=run,
            source=self.source,
            step=self.step,
            phase=Phase(self.phase),
            batch=self.batch,
            try_number=context["ti"].try_number,
            flags=flags_of(context["params"], window_of(context)),
        )

    def _report(self, result: StepResult) -> None:
        facts = ", ".join(f"{name}={value}" for name, value in _facts(result).items())
        self.log.info("%s: %s %s: %s", self.source, self.step, self.phase, facts or "done")


def _facts(result: StepResult) -> dict[str, Any]:
    """What goes into XCom: a place and a few numbers, never data."""
    kept = (
        "manifest",
        "items",
        "rows_read",
        "rows_passed",
        "rows_quarantined",
        "size_bytes",
        "score",
        "notes",
        "place",
    )
    facts = {name: getattr(result, name) for name in kept}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items() if value}

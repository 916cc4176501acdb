"""A plan drawn as a DAG: a task group for each source, a task for each step, three for a step that splits its work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions.param import ParamsDict

from finport_ingestion.engine.step import Phase
from finport_ingestion.engine.workflow.registry import Action, action
from finport_ingestion.factory.described import doc_md
from finport_ingestion.factory.params import trigger_params
from finport_ingestion.factory.schedules import airflow_schedule, asset
from finport_ingestion.operators.agents import operator_of
from finport_ingestion.operators.run import BeginRunOperator, FinishRunOperator
from finport_ingestion.retry.policy import FinportRetryPolicy

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.plan import Plan, PlannedSource, PlannedStep
    from finport_ingestion.operators.step import StepOperator

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_RETRIES = 3
_RETRY_DELAY = timedelta(seconds=10)


def draw(plan: Plan) -> DAG:
    """The plan's DAG: `begin`, a group for each source, `finish`."""
    with DAG(
        dag_id=plan.dag_id,
        description=plan.description,
        schedule=airflow_schedule(plan.schedule),
        start_date=EPOCH,
        catchup=False,
        max_active_runs=plan.max_active_runs,
        dagrun_timeout=plan.timeout,
        tags=set(plan.tags),
        doc_md=doc_md(plan),
        default_args={
            "owner": plan.owner,
            "retries": _RETRIES,
            "retry_delay": _RETRY_DELAY,
            "retry_policy": FinportRetryPolicy(),
        },
    ) as dag:
        begin = BeginRunOperator(task_id="begin", workflow=plan.workflow, plan_digest=plan.digest)
        finish = FinishRunOperator(task_id="finish", workflow=plan.workflow, plan_digest=plan.digest)
        groups = {source.name: _SourceGroup(plan, source) for source in plan.sources}
        for source in plan.sources:
            group = groups[source.name]
            begin >> group.first
            for provider in plan.providers(source):
                group.wait_for(groups[provider])
            finish << group.lasts
    # Given to DAG(), each operator would take a deep copy of them, half of all the work; a run merges the DAG's anyway.
    dag.params = ParamsDict(trigger_params(plan))
    return dag


class _SourceGroup:
    """The tasks of one source."""

    def __init__(self, plan: Plan, source: PlannedSource) -> None:
        self._plan, self._source = plan, source
        self._ends: dict[str, StepOperator] = {}
        with TaskGroup(group_id=source.name, tooltip=source.description):
            for step in plan.steps:
                self._draw(step)

    @property
    def first(self) -> list[Any]:
        return self._firsts

    @property
    def lasts(self) -> list[StepOperator]:
        inner = {name for step in self._plan.steps for name in step.depends_on}
        return [end for name, end in self._ends.items() if name not in inner]

    def wait_for(self, provider: _SourceGroup) -> None:
        """Begin after the source that provides what this one depends on, however that one ends."""
        for task in self._firsts:
            task.trigger_rule = "all_done"
            task << provider.lasts

    _firsts: list[Any]

    def _draw(self, step: PlannedStep) -> None:
        entry = action(step.agent, step.action)
        start, end = self._parallel(step, entry) if entry.parallel else self._single(step, entry)
        self._ends[step.name] = end
        if step.depends_on:
            start << [self._ends[name] for name in step.depends_on]
        else:
            self._firsts = [*getattr(self, "_firsts", []), start]

    def _single(self, step: PlannedStep, entry: Action) -> tuple[StepOperator, StepOperator]:
        task = operator_of(step.agent)(task_id=step.name, **self._arguments(step, Phase.RUN), **self._outlets(entry))
        return task, task

    def _parallel(self, step: PlannedStep, entry: Action) -> tuple[StepOperator, StepOperator]:
        operator = operator_of(step.agent)
        split = operator(task_id=f"{entry.split}", **self._arguments(step, Phase.SPLIT))
        work = operator.partial(task_id=step.name, **self._arguments(step, Phase.BATCH)).expand(batch=split.output)
        seal = operator(task_id=f"{entry.seal}", **self._arguments(step, Phase.SEAL), **self._outlets(entry))
        work >> seal
        return split, seal

    def _outlets(self, entry: Action) -> dict[str, Any]:
        return {"outlets": [asset(name) for name in self._source.provides]} if entry.publishes else {}

    def _arguments(self, step: PlannedStep, phase: Phase) -> dict[str, Any]:
        retry = self._plan.settings(self._source, step).retry
        arguments: dict[str, Any] = {
            "workflow": self._plan.workflow,
            "plan_digest": self._plan.digest,
            "source": self._source.name,
            "step": step.name,
            "phase": phase.value,
            "owner": self._source.owner,
            "retries": step.retries,
            "retry_delay": retry.delay,
            "retry_exponential_backoff": 2 if retry.strategy == "exponential" else 0,
            "max_retry_delay": retry.max_delay,
            "execution_timeout": step.timeout,
            "priority_weight": step.priority,
        }
        return {**arguments, "pool": step.pool} if step.pool else arguments

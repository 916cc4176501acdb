"""Before a source publishes, what others published in its place goes: its own records cover the same time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from finport_ingestion.engine.store.step import open_storage
from finport_ingestion.engine.workflow.registry import action

if TYPE_CHECKING:
    from finport_ingestion.engine.step import StepContext
    from finport_ingestion.engine.workflow.plan import PlannedSource
    from finport_ingestion.engine.workflow.services import Services


def take_back_stand_ins(context: StepContext, services: Services) -> None:
    """Retract what the other sources of this dataset's group published in place of the primary, newest first.

    Only before a step that publishes; may be repeated.
    """
    if not action(context.step.agent, context.step.action).publishes or context.flags.dry_run:
        return
    primary = context.plan.source(context.source.stands_in_for or context.source.name)
    for name in _others(context, primary, services):
        for run_id in services.state.apis.published_runs(name, primary.dataset):
            named = context.source.model_copy(update={"name": name})
            open_storage(dataclasses.replace(context, source=named)).retract(name, run_id)
            services.state.forget_publication(name, primary.dataset, run_id)


def _others(context: StepContext, primary: PlannedSource, services: Services) -> list[str]:
    """Who may have published in the primary's place: its fallbacks, and one that the document has named no more."""
    service = services.state.apis.service(primary.name, primary.dataset)
    names = {other.name for other in primary.fallbacks if other.dataset != primary.dataset}
    names |= {service.served_by} if service else set()
    return sorted(names - {primary.name, context.source.name})

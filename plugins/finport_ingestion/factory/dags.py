"""Every Workflow document of a project as a DAG."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import get_parsing_context

from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.config.loader import without_collection
from finport_ingestion.engine.errors import ConfigError, FinportError
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.factory.draw import draw
from finport_ingestion.factory.placement import check_placement

if TYPE_CHECKING:
    from airflow.sdk import DAG

log = logging.getLogger(__name__)


def load_dags(dag_file: str) -> dict[str, DAG]:
    """The DAGs by id. Where Airflow needs one DAG, that one is drawn.

    A wrong document costs the DAGs that use it; `raise_mistakes` shows it. This never raises for a document.
    """
    project = Project.around(Path(dag_file).parent)
    check_placement(project)
    with without_collection():
        return _drawn(project)


def _drawn(project: Project) -> dict[str, DAG]:
    wanted = get_parsing_context().dag_id
    dags: dict[str, DAG] = {}
    catalog = catalog_of(project)
    for workflow in catalog.usable_workflows:
        if wanted is not None and not _may_be(wanted, workflow):
            continue
        try:
            plans = plans_of(catalog, workflow)
        except FinportError as error:
            log.error("%s: %s", workflow, error)
            continue
        dags |= {plan.dag_id: draw(plan) for plan in plans if wanted in (None, plan.dag_id)}
    return dags


def raise_mistakes(dag_file: str) -> None:
    """Raise every mistake of every document as one error, which Airflow shows as an import error.

    Raises:
        ConfigError: At least one document is wrong.
    """
    mistakes = catalog_of(Project.around(Path(dag_file).parent)).mistakes
    if mistakes:
        lines = "\n".join(str(mistake) for mistake in mistakes)
        raise ConfigError(
            f"{len(mistakes)} mistake(s) in the documents:\n{lines}\n", hint="'finport validate' shows them too"
        )


def catalog_of(project: Project) -> Catalog:
    """The project's documents; a file that has not changed is not parsed again in one process."""
    return load_catalog(project.folder, known_actions=known_actions())


def plans_of(catalog: Catalog, workflow: str) -> list[Plan]:
    """The plans that a workflow is drawn from: one, or one for each source."""
    plan = compile_plan(catalog, workflow)
    if plan.layout == "dag":
        return [plan]
    return [
        plan.model_copy(update={"workflow": f"{workflow}--{source.name}", "sources": (source,)})
        for source in plan.sources
    ]


def _may_be(dag_id: str, workflow: str) -> bool:
    own = workflow.replace("-", "_")
    return dag_id == own or dag_id.startswith(f"{own}__")

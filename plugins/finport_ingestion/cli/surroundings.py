"""What a command finds around it: the project of the current folder, its documents and its services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.project import Project
    from finport_ingestion.engine.state.state import State
    from finport_ingestion.engine.workflow.plan import Plan
    from finport_ingestion.engine.workflow.services import Services


def project() -> Project:
    """The project that the current folder lies in."""
    return project_around(Path.cwd())


def project_around(folder: Path) -> Project:
    """The project that a folder lies in."""
    from finport_ingestion.engine.project import Project

    return Project.around(folder)


def services() -> Services:
    """The project's services, with the connections that a person at the command line may use."""
    from finport_ingestion.cli.connections import CommandLineConnections
    from finport_ingestion.engine.workflow.services import Services

    return Services.of(project(), CommandLineConnections())


def state() -> State:
    """The project's ledger."""
    return services().state


def is_local(state: State) -> bool:
    """Whether a state database is a file of this machine."""
    return str(state).startswith("sqlite")


def catalog(of: Project) -> Catalog:
    """The project's documents."""
    from finport_ingestion.engine.config.catalog import load_catalog
    from finport_ingestion.engine.workflow.registry import known_actions

    return load_catalog(of.folder, known_actions=known_actions())


def workflow_of(documents: Catalog, source: str, wanted: str | None) -> str:
    """The workflow to run a source in.

    Raises:
        ConfigError: No usable workflow selects it, or several do and none was named.
    """
    documents.source(source)  # raises when it is not there, or wrong
    selecting = [name for name in documents.usable_workflows if source in selected_by(documents, name)]
    if wanted is not None:
        if wanted in selecting:
            return wanted
        documents.workflow(wanted)
        raise ConfigError(f"workflow {wanted} does not select source {source}.", hint=_known(selecting))
    if len(selecting) == 1:
        return selecting[0]
    if not selecting:
        raise ConfigError(
            f"no workflow that can run selects source {source}.",
            hint="give it the labels that a workflow selects; 'finport validate' shows workflows with mistakes",
        )
    raise ConfigError(
        f"several workflows select source {source}.", hint=f"name one: --workflow {' | '.join(selecting)}"
    )


def plan_for(documents: Catalog, workflow: str, source: str | None = None) -> Plan:
    """The plan of a workflow, called as Airflow calls it: a DAG for each source has a plan of its own.

    Args:
        workflow: The document's name, or `<name>--<source>` as the ledger calls the plan of one source.
        source: Whose plan, where the workflow has one for each.
    """
    from finport_ingestion.engine.workflow.compile import compile_plan

    own = documents.find("Workflow", workflow) is None and "--" in workflow
    if own:
        # The landing area knows the run by this name, whatever layout the document has by now.
        workflow, _, source = workflow.partition("--")
    plan = compile_plan(documents, workflow)
    if source is None or not (own or plan.layout == "dag-per-source"):
        return plan
    if source not in {each.name for each in plan.sources}:
        raise ConfigError(
            f"workflow {workflow} does not select source {source}.", hint="let it select the source again"
        )
    return plan.model_copy(update={"workflow": f"{workflow}--{source}", "sources": (plan.source(source),)})


def selected_by(documents: Catalog, workflow: str) -> tuple[str, ...]:
    """The names of the sources of a workflow."""
    return tuple(source.metadata.name for source in documents.sources_of(workflow))


def _known(workflows: list[str]) -> str:
    return f"it is selected by {', '.join(workflows)}" if workflows else "no workflow selects it"

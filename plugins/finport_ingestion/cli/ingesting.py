"""`finport ingest SOURCE` and `finport replay RUN`: run a source's workflow in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from finport_ingestion.cli import surroundings
from finport_ingestion.cli.options import AsJson, RunName
from finport_ingestion.engine.errors import PermanentError

if TYPE_CHECKING:
    from finport_ingestion.engine.step import RunKey
    from finport_ingestion.engine.workflow.services import Services


def ingest(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Name of a Source document.")],
    workflow: Annotated[
        str | None, typer.Option("--workflow", "-w", help="Which workflow, where several select the source.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="A name for the run; one that is known is begun again.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take everything, also what is unchanged or not due.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Contact the source, say what would be done, and publish nothing.")
    ] = False,
    skip_frequency_check: Annotated[bool, typer.Option("--skip-frequency-check", help="Also when not due.")] = False,
    skip_dependency_check: Annotated[
        bool, typer.Option("--skip-dependency-check", help="Also when nothing that it depends on has changed.")
    ] = False,
    skip_change_detection: Annotated[
        bool, typer.Option("--skip-change-detection", help="Take items that are unchanged, too.")
    ] = False,
    skip_data_quality: Annotated[bool, typer.Option("--skip-data-quality", help="Publish without checking.")] = False,
    backfill_from: Annotated[
        str | None,
        typer.Option("--from", help="Take the records from this value of the incremental field on again."),
    ] = None,
    backfill_until: Annotated[
        str | None, typer.Option("--until", help="The end of that window, which is not part of it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run one source's workflow in this process, and show how far it is and what came of it.

    With --from and --until it takes a window of an incremental source again (a backfill): the watermark stays, and
    records take the place of those that have their key. Exits with 1 when the run fails; a source that has nothing new
    is skipped, which is no failure.
    """
    from finport_ingestion.cli.driving import Drive, drive, named_run, new_run
    from finport_ingestion.engine.step import Flags

    if (backfill_from is None) != (backfill_until is None):
        raise typer.BadParameter("--from and --until stand together")
    services = surroundings.services()
    documents = surroundings.catalog(services.project)
    plan = surroundings.plan_for(documents, surroundings.workflow_of(documents, source, workflow), source)
    flags = Flags(
        force_run_all=force,
        skip_frequency_check=skip_frequency_check,
        skip_dependency_check=skip_dependency_check,
        skip_change_detection=skip_change_detection,
        skip_data_quality=skip_data_quality,
        dry_run=dry_run,
        backfill_from=backfill_from,
        backfill_until=backfill_until,
    )
    run = named_run(services, plan.workflow, run_id) if run_id else new_run(services, plan.workflow, prefix="cli")
    drive(Drive(plan=plan, services=services, sources=(source,), run=run, flags=flags), as_json=as_json)


def replay(
    run: RunName,
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Only this source; may be given several times.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be replayed, and publish nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a run again from the bytes that it landed: nothing is fetched, today's documents and rules apply."""
    from finport_ingestion.cli.driving import Drive, drive, new_run
    from finport_ingestion.engine.step import Flags

    services = surroundings.services()
    earlier = services.state.run(run).key
    plan = surroundings.plan_for(surroundings.catalog(services.project), earlier.workflow)
    sources = _landed(services, earlier, planned=[each.name for each in plan.sources], wanted=source or [])
    flags = Flags(replay_of=earlier.run_id, dry_run=dry_run)
    new = new_run(services, plan.workflow, prefix="replay")
    drive(Drive(plan=plan, services=services, sources=sources, run=new, flags=flags), as_json=as_json)


def _landed(services: Services, earlier: RunKey, *, planned: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The sources to replay: those wanted, or all that the run landed and the workflow still has."""
    from finport_ingestion.cli.run_places import folder_of

    if unknown := [name for name in wanted if name not in planned]:
        raise PermanentError(
            f"workflow {earlier.workflow} has no source {', '.join(unknown)}.", hint=f"it has {', '.join(planned)}"
        )
    folders = {
        name: folder_of(services.places, "landing", workflow=earlier.workflow, source=name, run_id=earlier.run_id)
        for name in planned
    }
    landed = [name for name, folder in folders.items() if (folder.path / "manifest.json").exists()]
    missing = [name for name in wanted if name not in landed]
    if missing or not landed:
        raise PermanentError(
            f"run {earlier.run_id} has nothing of {', '.join(missing or planned)} in the landing area.",
            hint="choose a run of 'finport runs' that landed data and is younger than retention.landing",
        )
    return list(wanted) or landed

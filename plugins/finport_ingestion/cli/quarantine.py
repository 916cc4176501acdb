"""`finport quarantine list | show | release`: the records that were rejected, and their way back in."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.options import AsJson, RunName
from finport_ingestion.cli.screen import column
from finport_ingestion.engine.errors import PermanentError

if TYPE_CHECKING:
    from finport_ingestion.cli.quarantined import Quarantined
    from finport_ingestion.cli.release import Release
    from finport_ingestion.engine.workflow.plan import Plan
    from finport_ingestion.engine.workflow.services import Services

app = typer.Typer(help="Rejected records: look at them, repair them, let them in again.", no_args_is_help=True)

_OWN = 4  # segments of a landed part that tell area, workflow, source and run
SourceArgument = Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="Only this source's records.")]

_LIST = (
    column("run", "run id"),
    column("workflow"),
    column("source"),
    column("records", right=True, spell=screen.spell_count),
    column("released", right=True, spell=screen.spell_count),
    column("why"),
)
_RECORDS = (
    column("source"),
    column("part", spell=lambda part: "/".join(part.split("/")[_OWN:])),
    column("row", right=True),
    column("stage"),
    column("column"),
    column("rule"),
    column("value", "value (masked)"),
    column("reason"),
)


@app.command("list")
def list_quarantine(
    source: Annotated[str | None, typer.Option("--source", "-s", help="Only this source.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs whose records wait in quarantine, with the rules that were broken most."""
    from finport_ingestion.cli.quarantined import quarantined

    services = surroundings.services()
    rows = [_row(each, services) for each in quarantined(services.places, source=source)]
    screen.show_table(rows, _LIST, as_json=as_json, empty="nothing is in quarantine")


@app.command()
def show(
    run: RunName,
    source: SourceArgument = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many records to show.")] = 20,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write the full records to a new .ndjson or .csv, for repair."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is wrong with a run's rejected records. Values are masked; --export writes them in full."""
    from finport_ingestion.cli.quarantined import of_run
    from finport_ingestion.cli.repair import write_for_repair

    places = surroundings.project().places()
    found = of_run(places, run, source=source)
    if export is not None:
        _check_single(found)
        count = write_for_repair(export, found[0].records())
        screen.say(f"{count} record(s) in full in {export}, which only you can read; repair it, then")
        screen.say(f"finport quarantine release {found[0].folder.run_id} {found[0].folder.source} --file {export}")
        return
    rows = list(islice(chain.from_iterable(each.findings() for each in found), limit))
    screen.show_table(rows, _RECORDS, as_json=as_json)
    total = sum(each.count() for each in found)
    if total > len(rows) and not as_json:
        screen.remark(f"{len(rows)} of {total} records; --limit shows more")


@app.command()
def release(
    run: RunName,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Whose records.")],
    file: Annotated[Path, typer.Option("--file", "-f", help="The repaired records, .ndjson or .csv, as exported.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let repaired records in again: they are converted, checked and published like any other, and only once.

    Records that are left out of the file stay in quarantine. Numbers are written with a point, dates as 2026-12-31.
    """
    from finport_ingestion.cli.quarantined import of_run
    from finport_ingestion.cli.release import is_published, prepare
    from finport_ingestion.cli.repair import read_repaired

    services = surroundings.services()
    of = of_run(services.places, run, source=source)[0]
    plan = surroundings.plan_for(surroundings.catalog(services.project), of.folder.workflow)
    if source not in {each.name for each in plan.sources}:
        raise PermanentError(
            f"workflow {plan.workflow} does not select source {source} any more.",
            hint="records go in by the workflow that rejected them; let it select the source again",
        )
    prepared = prepare(of, read_repaired(file), services=services)
    if is_published(prepared, services, dataset=plan.source(source).dataset):
        _tell(prepared, "were released before and are published: nothing to do", status="skipped", as_json=as_json)
    elif dry_run:
        _tell(prepared, f"would be released as {prepared.run_id}", status="dry run", as_json=as_json)
    else:
        _carry_out(prepared, plan=plan, services=services, as_json=as_json)


def _carry_out(prepared: Release, *, plan: Plan, services: Services, as_json: bool) -> None:
    from finport_ingestion.cli.driving import Drive, drive, new_run
    from finport_ingestion.cli.release import land
    from finport_ingestion.engine.step import Flags

    land(prepared, plan=plan, services=services)
    flags = Flags(replay_of=prepared.run_id)
    wanted = Drive(
        plan=plan,
        services=services,
        sources=(prepared.of.folder.source,),
        run=new_run(services, plan.workflow, prefix=prepared.run_id),
        flags=flags,
    )
    drive(wanted, as_json=as_json)


def _tell(prepared: Release, told: str, *, status: str, as_json: bool) -> None:
    if as_json:
        screen.show_json({"run": prepared.run_id, "status": status, "records": len(prepared.records), "why": told})
    else:
        screen.say(f"{len(prepared.records)} record(s) of {prepared.of.where} {told}")


def _row(each: Quarantined, services: Services) -> dict[str, Any]:
    from finport_ingestion.cli.release import released

    folder = each.folder
    return {
        "run": folder.run_id,
        "workflow": folder.workflow,
        "source": folder.source,
        "records": each.count(),
        "released": len(released(each, services)),
        "why": each.why(),
    }


def _check_single(found: list[Quarantined]) -> None:
    if len(found) > 1:
        names = ", ".join(each.folder.source for each in found)
        raise PermanentError("an export holds the records of one source.", hint=f"name one of {names}")

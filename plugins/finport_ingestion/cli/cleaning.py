"""`finport clean`: remove what the policies keep no longer; `finport reset`: begin from nothing."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.exits import refuse
from finport_ingestion.cli.options import AsJson, DryRun
from finport_ingestion.cli.screen import column

_AREAS = ("landing", "staging", "quarantine", "reports", "store")
_REMOVED = (
    column("what"),
    column("of"),
    column("keeps"),
    column("count", right=True, spell=screen.spell_count),
    column("files", right=True, spell=screen.spell_count),
    column("size_bytes", "size", right=True, spell=screen.spell_bytes),
    column("note"),
)


def clean(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove what is older than retention says: landed bytes, parts, rejects, reports, old snapshots, ledger.

    Runs that are open, and everything that the current snapshot of a dataset shows, are never touched.
    """
    from finport_ingestion.cli.retention import Cleaning

    services = surroundings.services()
    documents = surroundings.catalog(services.project)
    removed = Cleaning(services=services, documents=documents, dry_run=dry_run).run()
    screen.show_table(
        [dataclasses.asdict(row) for row in removed], _REMOVED, as_json=as_json, empty="nothing is too old"
    )
    if removed and not as_json:
        size = screen.spell_bytes(sum(row.size_bytes for row in removed))
        files = sum(row.files for row in removed)
        screen.say(f"{files:,} file(s), {size} {'would be' if dry_run else 'were'} removed")


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also a state on PostgreSQL and places in an object store.")
    ] = False,
) -> None:
    """Delete all that runs have left: raw files, parts, rejects, reports, Parquet datasets, and the ledger's content.

    For developers. Tables that the `sql` storage wrote are not touched.
    """
    from finport_ingestion.engine.files import local_path, remove_tree

    services = surroundings.services()
    state, places = services.state, services.places
    if not surroundings.is_local(state) and not force:
        raise refuse(f"the state lies in {state}, which others may use.", "add --force if it is yours alone")
    if local_path(places.root) is None and not force:
        raise refuse(f"the places are {places.root}, which others may use.", "add --force if they are yours alone")
    if not yes:
        raise refuse(f"this deletes everything in {places.root}, and the content of {state}.", "add --yes to do it")
    files = sum(remove_tree(places.at(area)) for area in _AREAS)
    state.upgrade()
    state.reset()
    screen.say(f"{files:,} file(s) of {places.root} and the content of {state} are gone")

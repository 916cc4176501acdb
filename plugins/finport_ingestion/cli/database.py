"""`finport db upgrade`, `finport db check` and `finport recover`."""

from __future__ import annotations

import dataclasses

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.options import AsJson, WorkflowName
from finport_ingestion.cli.screen import column

app = typer.Typer(help="The state database: run ledger, watermarks, events.", no_args_is_help=True)

_RECOVERED = (column("workflow"), column("source"), column("run_id", "run id"), column("status"), column("note"))


@app.command()
def upgrade() -> None:
    """Make the state database, or bring it to this package's version. May be repeated."""
    state = surroundings.state()
    state.upgrade()
    state.check()
    screen.say(f"{state} is up to date")


@app.command()
def check() -> None:
    """Say whether the state database answers and is of this package's version."""
    state = surroundings.state()
    state.check()
    screen.say(f"{state} answers and is up to date")


def recover(workflow: WorkflowName = None, as_json: AsJson = False) -> None:
    """Settle what dead runs left open: complete what they published, or take it back. Live runs are left alone."""
    from finport_ingestion.engine.workflow.recovery import recover as settle

    services = surroundings.services()
    settled = settle(services, workflow=workflow)
    rows = [dataclasses.asdict(one) for one in settled]
    screen.show_table(rows, _RECOVERED, as_json=as_json, empty="no dead run has anything open")

"""All commands put together. Importing this must stay cheap: what is heavy is imported inside the commands."""

from __future__ import annotations

import typer

from finport_ingestion.cli import (
    cleaning,
    converting,
    database,
    detecting,
    documents,
    health,
    ingesting,
    plans,
    quarantine,
    reading,
    runs,
    sources,
)
from finport_ingestion.cli.exits import CommandGroup

DOCUMENTS, DATA, DAY_TWO, UPKEEP = "Documents", "Data", "Runs and their records", "Upkeep"

app = typer.Typer(
    cls=CommandGroup,
    name="finport",
    help="Financial data ingestion, described in YAML. Run it in a project's folder.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 a fault of finport.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel=DOCUMENTS)(documents.validate)
app.command(rich_help_panel=DOCUMENTS)(documents.schema)
app.command(rich_help_panel=DOCUMENTS)(plans.plan)
app.command(rich_help_panel=DATA)(converting.convert)
app.command(rich_help_panel=DATA)(detecting.detect)
app.command(rich_help_panel=DATA)(detecting.guess)
app.add_typer(sources.app, name="source", rich_help_panel=DATA)
app.command(rich_help_panel=DATA)(ingesting.ingest)
app.command(rich_help_panel=DATA)(reading.read)
app.command(name="runs", rich_help_panel=DAY_TWO)(runs.list_runs)
app.command(rich_help_panel=DAY_TWO)(runs.show)
app.command(rich_help_panel=DAY_TWO)(health.health)
app.add_typer(quarantine.app, name="quarantine", rich_help_panel=DAY_TWO)
app.command(rich_help_panel=DAY_TWO)(ingesting.replay)
app.command(rich_help_panel=DAY_TWO)(database.recover)
app.command(rich_help_panel=UPKEEP)(health.doctor)
app.add_typer(database.app, name="db", rich_help_panel=UPKEEP)
app.command(rich_help_panel=UPKEEP)(cleaning.clean)
app.command(rich_help_panel=UPKEEP)(cleaning.reset)
app.command(rich_help_panel=UPKEEP)(health.version)

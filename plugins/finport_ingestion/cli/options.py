"""Options and arguments that several commands share, so that they are spelled and explained the same."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run id, or a beginning of it that no other run has.")]
WorkflowName = Annotated[str | None, typer.Option("--workflow", "-w", help="Only this workflow.")]

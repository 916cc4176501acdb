"""`finport health`, `finport doctor` and `finport version`."""

from __future__ import annotations

import dataclasses
import platform
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column

if TYPE_CHECKING:
    from finport_ingestion.cli.api_health import ApiHealth

_CHECKS = (column("level"), column("what"), column("told"), column("fix"))


def version(as_json: AsJson = False) -> None:
    """Print the versions of this package and of Python."""
    from finport_ingestion import __version__

    if as_json:
        screen.show_json({"finport": __version__, "python": platform.python_version()})
    else:
        screen.say(f"finport {__version__} (Python {platform.python_version()})")


def doctor(as_json: AsJson = False) -> None:
    """Check what is installed, reachable and misconfigured; each line says how it is put right."""
    from finport_ingestion.cli.checks.installation import installation
    from finport_ingestion.cli.checks.surroundings import project_checks

    found = [*installation(), *project_checks()]
    screen.show_table([dataclasses.asdict(check) for check in found], _CHECKS, as_json=as_json)
    counts = Counter(check.level for check in found)
    if not as_json:
        screen.say(", ".join(f"{counts[level]} {level}" for level in ("ok", "warn", "fail") if counts[level]))
    if counts["fail"]:
        raise typer.Exit(Ending.REFUSED)


def health(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="The history of this one; all by default.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Ask now; every source of a workflow by default.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many checks count.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Tell how the sources' APIs stand: checks, circuits, quotas, who stands in for whom, lowered protections.

    With `--check`, exits with 1 when a source does not answer.
    """
    from finport_ingestion.cli.api_health import asked, history, told

    unhealthy = asked(source) if check else []
    found = history(source, limit=limit) if source else told(limit=limit)
    if as_json:
        screen.show_json(found.as_document())
    else:
        _print_health(found)
    if unhealthy:
        raise typer.Exit(Ending.REFUSED)


def _print_health(found: ApiHealth) -> None:
    for title, rows, columns, empty in found.tables:
        if rows or empty:
            screen.heading(title)
            screen.show_table(rows, columns, empty=empty or "nothing")

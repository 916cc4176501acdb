"""`finport doctor` and `finport version`."""

from __future__ import annotations

import dataclasses
import platform
from collections import Counter

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column

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

"""The command line `finport`. Thin: it reads what was asked for, calls the engine, and shows what came of it."""

from __future__ import annotations


def main() -> None:
    """The entry point of the console script."""
    from finport_ingestion.cli.entry import app

    app()

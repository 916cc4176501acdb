"""`python -m finport_ingestion.cli`, where the console script is not on the path."""

from __future__ import annotations

from finport_ingestion.cli import main

main()

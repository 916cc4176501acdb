"""Ours: `load_dags` of the project's DAG file, as the file in `dags/` calls it."""

from __future__ import annotations

from benchmarks.parse.contestants.stopwatch import compare, now

if __name__ == "__main__":
    begun = now()
    from finport_ingestion.factory.dags import load_dags

    compare(begun, load_dags)

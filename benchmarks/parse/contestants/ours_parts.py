"""Ours, with the time of each part: documents, plans, drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.parse.contestants.stopwatch import compare, now, part

if __name__ == "__main__":
    begun = now()
    from finport_ingestion.engine.config.loader import without_collection
    from finport_ingestion.engine.project import Project
    from finport_ingestion.factory.dags import catalog_of, plans_of
    from finport_ingestion.factory.draw import draw

    def load(dag_file: str) -> dict[str, Any]:
        """What `load_dags` does, part by part."""
        with without_collection():
            catalog = part("documents", catalog_of, Project.around(Path(dag_file).parent))
            names = part("documents", lambda: catalog.usable_workflows)
            plans = [plan for name in names for plan in part("plans", plans_of, catalog, name)]
            part("plans", lambda: [plan.digest for plan in plans])
            return {plan.dag_id: part("drawing", draw, plan) for plan in plans}

    compare(begun, load)

"""`make demo`: the standard workflow on real market data, through Airflow, with what a person wants to see of it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from demo.airflow_home import HOME, ROOT, settings

if TYPE_CHECKING:
    from demo.report import Report

WORKFLOW = "base-standard-ingestion-workflow"
LOG = HOME / "demo" / "run.log"


def main() -> int:
    """Start the sources, run the workflow, show what came of it; the exit status."""
    # Airflow reads its settings when it is imported, so the environment comes first and the imports after it.
    os.environ.update(settings())
    sys.path[:0] = [str(ROOT / "plugins")]
    from demo.report import Report
    from demo.sources import DemoSources
    from finport_ingestion.engine.validate.report import preload

    report = Report(started=time.monotonic())
    report.headline()
    # Rendering quality reports needs an import of many seconds; it goes on beside the rest.
    threading.Thread(target=preload, daemon=True).start()
    with contextlib.ExitStack() as running:
        with report.doing("Starting the three sources: API with OAuth2, folder, PostgreSQL"):
            endpoints = running.enter_context(DemoSources(HOME / "demo"))
        os.environ.update(endpoints.environment())
        return _run(report)


def _run(report: Report) -> int:
    from demo.one_process import load_dag, output_into, prepare_database, run_dag
    from demo.watch import Watch
    from finport_ingestion.engine.project import Project
    from finport_ingestion.engine.workflow.services import Services

    with output_into(LOG) as terminal:
        report.attach(terminal)
        with report.doing("Preparing Airflow and the state database"):
            prepare_database()
            services = Services.of(Project(ROOT))
            services.state.upgrade()
        with report.doing("Reading the documents and drawing the DAG"):
            dag = load_dag(ROOT / "dags" / "finport_workflows.py", WORKFLOW.replace("-", "_"))
        with Watch(services.state, WORKFLOW, report.steps()):
            run = run_dag(dag, {"force_run_all": os.environ.get("FORCE", "") not in ("", "0")})
    return report.conclude(run, services, LOG)


if __name__ == "__main__":
    sys.exit(main())

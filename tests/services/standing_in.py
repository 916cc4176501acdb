"""A project whose source has a fallback, both behind real web servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.store.read import dataset_folder, open_snapshot
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.perform import StepFailed, Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.services.web import WebServer
from tests.services.web_replies import Answer, CutReply, Reply, Request, error_reply, json_reply

WORKFLOW = "prices-workflow"
PRIMARY, MIRROR = "prices", "prices-mirror"

_WORKFLOW = """\
apiVersion: finport.io/v1
kind: Workflow
metadata: {name: prices-workflow}
spec:
  description: Prices, for tests.
  owner: tests
  sources: {names: [prices]}
  timeout: 1h
  steps:
    - {name: validate, agent: scheduler, action: validate_source_availability, timeout: 1m, retries: RETRIES}
    - {name: collect, agent: collector, action: collect_data_from_source, timeout: 1m, retries: RETRIES, parallel: 1}
    - {name: convert, agent: converter, action: convert_to_standard_format, timeout: 1m, retries: RETRIES, parallel: 1}
    - {name: quality, agent: base-data-quality, action: validate_data_quality, timeout: 1m, retries: RETRIES}
    - {name: store, agent: base-data-storage, action: store_validated_data, timeout: 1m, retries: RETRIES}
"""
_SOURCE = """\
apiVersion: finport.io/v1
kind: Source
metadata: {{name: {name}}}
spec:
  description: Prices, for tests.
  owner: tests
  source: {{protocol: http, connection: {connection}, path: /v1/prices{since}}}
  convert: {{format: json}}
  contract:
    key: [isin, date]
    columns:
      - {{name: isin, type: identifier, nullable: false}}
      - {{name: date, type: date, nullable: false}}
      - {{name: price, type: "decimal(18,4)", nullable: false}}
{more}  overrides:
    quality: {{report: false, minScore: 0}}
    retry: {{delay: 0s}}
    security: {{allowPrivateNetwork: true}}
{overrides}"""


def cut(whole: Answer) -> Reply:
    return CutReply(whole, after_bytes=10)


@dataclass
class Api:
    """Prices behind a web server: one row a day, which says who gave it."""

    server: WebServer
    price: str
    days: list[str] = field(default_factory=list)
    down: bool = False
    broken_downloads: int = 0  # so many break, although what is said of the file is right
    broken: Callable[[Answer], Reply] = cut

    def answer(self, request: Request) -> Reply:
        if self.down:
            return error_reply(HTTPStatus.SERVICE_UNAVAILABLE)
        since = request.parameter("since", "")
        rows = [{"isin": "XS0000000001", "date": day, "price": self.price} for day in self.days if day >= since]
        whole = json_reply(rows)
        if not self.broken_downloads or request.method != "GET":
            return whole
        self.broken_downloads -= 1
        return self.broken(whole)


@dataclass
class Deployment:
    """The project, its two APIs and its runs."""

    folder: Path
    primary: Api
    mirror: Api
    incremental: bool = False
    overrides: str = ""
    policy: str = ""  # the default one, whole
    retries: int = 0
    more_connections: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def write(self) -> Deployment:
        configs = self.folder / "include" / "configs"
        for name in ("sources", "workflows", "policies"):
            (configs / name).mkdir(parents=True, exist_ok=True)
        (configs / "policies" / "default.yaml").write_text(self.policy)
        (configs / "workflows" / "prices.yaml").write_text(_WORKFLOW.replace("RETRIES", str(self.retries)))
        since = ", sinceParameter: since" if self.incremental else ""
        mark = "  incremental: {field: date}\n" if self.incremental else ""
        for name, more in ((PRIMARY, f"  fallbacks: [{MIRROR}]\n"), (MIRROR, "")):
            text = _SOURCE.format(
                name=name, connection=name.replace("-", "_"), since=since, more=mark + more, overrides=self.overrides
            )
            (configs / "sources" / f"{name}.yaml").write_text(text)
        (self.folder / ".finport").mkdir(exist_ok=True)
        self.services.state.upgrade()
        for api in (self.primary, self.mirror):
            api.server.add("/v1/prices", api.answer)
        return self

    @property
    def services(self) -> Services:
        return Services.of(Project(self.folder), EnvironmentConnections(self._connections()))

    def run(self, run_id: str) -> Outcome:
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)
        key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=datetime(2026, 2, 1, tzinfo=UTC))
        return Ingest(plan=plan, run=key, services=self.services, report=self._tell)()

    def stored(self) -> list[tuple[str, str]]:
        """Day and price of each row."""
        table = open_snapshot(dataset_folder(self.services.places, PRIMARY)).to_table()
        return sorted((str(row["date"]), str(row["price"])) for row in table.to_pylist())

    def parts(self) -> set[str]:
        """The landed folders that the rows come from."""
        table = open_snapshot(dataset_folder(self.services.places, PRIMARY)).to_table(lineage=True)
        return {part.split("/")[2] for part in table.column("_finport_part").to_pylist()}

    def events(self, run_id: str) -> list[str]:
        """What was told of a run beside its steps."""
        names = [row.type.removeprefix("io.finport.") for row in self.services.state.events(run_id)]
        return [name for name in names if name.startswith(("source_", "dataset_", "api.", "protection_"))]

    def notes(self, run_id: str) -> Sequence[str]:
        return [note for step in self.services.state.steps(run_id) if step.result for note in step.result.notes]

    def _tell(self, unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
        if not isinstance(ending, StepResult):
            self.told.append(f"{unit.step}: {ending}")

    def _connections(self) -> dict[str, str]:
        return self.more_connections | {
            f"AIRFLOW_CONN_{name}": json.dumps(
                {"conn_type": "finport_http", "host": api.server.url(), "extra": {"ca_file": str(api.server.ca_path)}}
            )
            for name, api in (("PRICES", self.primary), ("PRICES_MIRROR", self.mirror))
        }

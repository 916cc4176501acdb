"""What runs and looks tell of logins: accepted, refused, rotated; with names, and with no secret."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.connections import Connections, ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.resilience.gates import Gates, User
from finport_ingestion.engine.sources.opening import login_facts, open_source
from finport_ingestion.engine.step import Flags, Phase, RunKey
from finport_ingestion.engine.workflow import announce
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.health import check_health
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.looking import looking_at
from finport_ingestion.engine.workflow.perform import Unit, perform
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import SOURCE, WORKFLOW, write_project
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Request, json_reply

GOOD, OLD = "g00d-and-secret", "0ld-and-secret"
_ROWS = [{"isin": "XS0000000001", "date": f"2026-01-{day:02d}", "price": f"{day}.25"} for day in range(1, 9)]
_AUTHENTICATION = """\
apiVersion: finport.io/v1
kind: Authentication
metadata: {name: vendor-login}
spec:
  description: For tests.
  owner: tests
  auth: {method: basic, connection: vendor}
"""


@dataclass
class Deployment:
    """The small project behind a login; `password` is what the connection holds, `fresh` what it holds by now."""

    folder: Path
    server: WebServer
    password: str = GOOD
    fresh: str | None = None
    told: list[str] = field(default_factory=list)

    def write(self) -> Deployment:
        source = f'{{protocol: http, url: "{self.server.url()}", path: /prices}}'
        write_project(self.folder, source=source, convert="{format: json}")
        configs = self.folder / "include" / "configs"
        (configs / "authentication" / "vendor-login.yaml").write_text(_AUTHENTICATION)
        document = configs / "sources" / "prices.yaml"
        text = document.read_text().replace("  convert:", "  authentication: vendor-login\n  convert:")
        safe = f"security: {{allowPrivateNetwork: true, caFile: {self.server.ca_path}}}"
        document.write_text(text.replace("security: {allowPrivateNetwork: true}", safe))
        (self.folder / ".finport").mkdir()
        self.server.add("/prices", self._answer)
        self.services.state.upgrade()
        return self

    def _answer(self, request: Request) -> Answer:
        wanted = base64.b64encode(f"finport:{GOOD}".encode()).decode()
        good = request.headers.get("authorization") == f"Basic {wanted}"
        return json_reply(_ROWS) if good else json_reply({"error": "no such person"}, status=401)

    @property
    def services(self) -> Services:
        return Services.of(Project(self.folder), _Held(self))

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.folder, known_actions=known_actions())

    @property
    def plan(self) -> Plan:
        return compile_plan(self.catalog, WORKFLOW)

    def run(self, run_id: str, **flags: Any) -> Outcome:
        return Ingest(plan=self.plan, run=key(run_id), services=self.services, flags=Flags(**flags))()

    def events(self, run_id: str) -> list[tuple[str, dict[str, Any]]]:
        """What was told of authentication in a run."""
        rows = self.services.state.events(run_id)
        return [(_short(row.type), dict(row.facts)) for row in rows if "authentication" in row.type]

    def looked(self) -> list[tuple[str, dict[str, Any]]]:
        """What was told of authentication in no run."""
        found = [json.loads(event.body) for event in self.services.state.claim_events("log", 100)]
        return [
            (_short(each["type"]), each["data"])
            for each in found
            if "authentication" in each["type"] and "run_id" not in each["data"]
        ]


class _Held:
    """Connections that hold what the deployment says, and something else when they are read once more."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def get(self, connection_id: str) -> ConnectionSpec:
        none: Connections = EnvironmentConnections({})
        return self._spec(self._deployment.password) if connection_id == "vendor" else none.get(connection_id)

    def _spec(self, password: str) -> ConnectionSpec:
        def again() -> ConnectionSpec:
            return self._spec(self._deployment.fresh or password)

        return ConnectionSpec(id="vendor", kind="finport_http", login="finport", secret=lambda: password, read=again)


@pytest.fixture
def deployment(tmp_path: Path, web_server: WebServer) -> Iterator[Deployment]:
    """When the test is over, no secret is in what was told."""
    made = Deployment(tmp_path / "project", web_server).write()
    yield made
    texts = [path.read_bytes() for path in (made.folder / ".finport").rglob("*") if path.is_file()]
    assert not any(secret.encode() in text for text in texts for secret in (GOOD, OLD, "no such person"))


def key(run_id: str) -> RunKey:
    return RunKey(workflow=WORKFLOW, run_id=run_id, run_after=datetime(2026, 2, 1, tzinfo=UTC))


def _short(name: str) -> str:
    return name.removeprefix("io.finport.authentication.")


def _open(deployment: Deployment, run_id: str) -> Unit:
    """The connect step of a run that has begun."""
    services = deployment.services
    run = key(run_id)
    services.state.open_run(
        run,
        trigger="manual",
        flags={},
        driver="cli",
        started_at=services.clock.now(),  # type: ignore[arg-type]
    )
    return Unit(plan=deployment.plan, run=run, source=SOURCE, step="connect", phase=Phase.RUN)


def _look(deployment: Deployment) -> str:
    with looking_at(deployment.catalog, SOURCE, deployment.services) as context:
        return open_source(context).check()


def test_a_connection_that_is_accepted_is_told_once_for_a_run(deployment: Deployment) -> None:
    assert deployment.run("run-1").status == "succeeded"
    ((name, facts),) = deployment.events("run-1")
    assert name == "succeeded"
    assert facts == {
        "workflow": WORKFLOW,
        "run_id": "run-1",
        "source": SOURCE,
        "method": "basic",
        "connection": "vendor",
    }
    unit = Unit(plan=deployment.plan, run=key("run-1"), source=SOURCE, step="connect", phase=Phase.RUN, try_number=2)
    assert isinstance(perform(unit, deployment.services), StepResult)
    assert len(deployment.events("run-1")) == 1, "a step that is done again tells the same fact"


def test_a_replay_connects_to_nobody_and_tells_nothing(deployment: Deployment) -> None:
    deployment.run("run-1")
    assert deployment.run("run-2", replay_of="run-1").status == "succeeded"
    assert deployment.events("run-2") == []


def test_a_source_without_any_login_tells_nothing(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project")
    (folder / ".finport").mkdir()
    services = Services.of(Project(folder))
    services.state.upgrade()
    plan = compile_plan(load_catalog(folder, known_actions=known_actions()), WORKFLOW)
    assert Ingest(plan=plan, run=key("run-1"), services=services)().status == "succeeded"
    assert not any("authentication" in row.type for row in services.state.events("run-1"))


def test_a_refusal_is_told_with_its_kind_and_without_the_words_of_the_server(deployment: Deployment) -> None:
    deployment.password = OLD
    assert deployment.run("run-1").status == "failed"
    ((name, facts),) = deployment.events("run-1")
    assert name == "refused"
    assert facts == {
        "workflow": WORKFLOW,
        "run_id": "run-1",
        "source": SOURCE,
        "method": "basic",
        "connection": "vendor",
        "error": "AccessDenied",
        "step": "validate",
        "try_number": 1,
    }


def test_a_refusal_elsewhere_than_at_the_source_names_no_login_of_the_source(deployment: Deployment) -> None:
    error = AccessDenied("the storage refuses the login.")
    unit = Unit(plan=deployment.plan, run=key("run-1"), source=SOURCE, step="store", phase=Phase.RUN)
    (event,) = announce.refused(unit, error, deployment.services)
    assert {"method", "connection"}.isdisjoint(event.facts)
    assert (event.facts["step"], event.facts["error"]) == ("store", "AccessDenied")
    assert announce.refused(unit, error, deployment.services)[0].id == event.id, "the same try"
    assert announce.refused(unit, ValueError("another"), deployment.services) == []


def test_credentials_that_were_rotated_are_told_once_for_a_run(deployment: Deployment) -> None:
    deployment.password, deployment.fresh = OLD, GOOD
    assert deployment.run("run-1").status == "succeeded"
    names = [name for name, _ in deployment.events("run-1")]
    assert sorted(names) == ["credentials_rotated", "succeeded"], "every step reads the old ones first"
    (facts,) = [facts for name, facts in deployment.events("run-1") if name == "credentials_rotated"]
    assert (facts["method"], facts["connection"], facts["source"]) == ("basic", "vendor", SOURCE)


def test_a_check_that_is_refused_is_told_each_time(deployment: Deployment) -> None:
    deployment.password = OLD
    for _ in range(2):
        _, error = check_health(deployment.catalog, SOURCE, deployment.services)
        assert isinstance(error, AccessDenied)
    told = deployment.looked()
    assert [name for name, _ in told] == ["refused", "refused"]
    assert told[0][1] == {"source": SOURCE, "method": "basic", "connection": "vendor", "error": "AccessDenied"}


def test_a_look_without_a_state_database_says_what_is_wrong_all_the_same(deployment: Deployment) -> None:
    deployment.password = OLD
    for path in (deployment.folder / ".finport").glob("state.db*"):
        path.unlink()
    with pytest.raises(AccessDenied):
        _look(deployment)


def test_an_event_that_cannot_be_written_is_only_logged(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    unit = _open(deployment, "run-1")
    services = deployment.services
    assert isinstance(services.gates, Gates)
    for path in (deployment.folder / ".finport").glob("state.db*"):
        path.unlink()
    user = User(source=SOURCE, run=unit.run, settings=deployment.plan.source(SOURCE).settings)
    with caplog.at_level(logging.WARNING), services.gates.watched(unit.run) as watch:
        watch.tell(EventType.TOKEN_OBTAINED, user, method="basic")
    assert "token_obtained is not written" in caplog.text


def test_a_protocol_that_logs_in_itself_is_its_own_method(deployment: Deployment) -> None:
    source = deployment.plan.source(SOURCE)
    own = source.source.model_copy(update={"connection": "sftp_vendor"})
    assert login_facts(source.model_copy(update={"auth": None, "source": own})) == {
        "method": "http",
        "connection": "sftp_vendor",
    }
    assert login_facts(source.model_copy(update={"auth": None})) == {"method": None, "connection": None}

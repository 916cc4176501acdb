"""What processes that share a token of Keycloak's tell of it, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.connections import Connections, ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.services.keycloak_server import KeycloakServer

pytestmark = pytest.mark.timeout(290)

_WRONG = "wr0ng-and-secret"
_STEPS = (
    ("connect", "connector", "establish_secure_connection"),
    ("collect", "collector", "collect_data_from_source"),
    ("convert", "converter", "convert_to_standard_format"),
    ("store", "base-data-storage", "store_validated_data"),
)


def _document(kind: str, name: str, **spec: Any) -> str:
    envelope = {"apiVersion": "finport.io/v1", "kind": kind, "metadata": {"name": name}}
    return yaml.safe_dump({**envelope, "spec": {"description": "A test.", "owner": "tests", **spec}})


@dataclass
class Client:
    """A project whose source wants a token of Keycloak's, and the processes that run it."""

    folder: Path
    keycloak: KeycloakServer

    def write(self) -> Client:
        auth = {"method": "oauth2_client_credentials", "issuer": self.keycloak.issuer, "scopes": ["openid"]}
        source = {"protocol": "http", "url": self.keycloak.issuer, "path": "/protocol/openid-connect/userinfo"}
        security = {"allowPrivateNetwork": True, "caFile": str(self.keycloak.ca_path)}
        steps = [
            {"name": name, "agent": agent, "action": action, "timeout": "1m", "retries": 0}
            for name, agent, action in _STEPS
        ]
        documents = {
            "authentication": _document("Authentication", "login", auth={**auth, "connection": "vendor"}),
            "sources": _document(
                "Source",
                "me",
                source=source,
                authentication="login",
                convert={"format": "json"},
                contract={"key": ["sub"], "columns": [{"name": "sub", "type": "identifier", "nullable": False}]},
                overrides={"security": security},
            ),
            "workflows": _document("Workflow", "mine", sources={"names": ["me"]}, timeout="10m", steps=steps),
        }
        for name, text in documents.items():
            folder = self.folder / "include" / "configs" / name
            folder.mkdir(parents=True)
            (folder / "document.yaml").write_text(text)
        return self

    def process(self, *words: str, secret: str) -> subprocess.CompletedProcess[str]:
        """`finport` in a process of its own, which knows nothing but documents, connection and state database."""
        connection = {"conn_type": "finport_http", "login": "svc", "password": secret}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment = {**kept, "AIRFLOW_CONN_VENDOR": json.dumps(connection), "FINPORT_PROJECT": str(self.folder)}
        return subprocess.run(
            [sys.executable, "-m", "finport_ingestion.cli", *words],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2] / "plugins"), "COLUMNS": "300"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, run_id: str, *, secret: str) -> list[str]:
        """What a run in a process of its own tells of authentication."""
        self.process("ingest", "me", "--force", "--run-id", run_id, secret=secret)
        return self.names(run_id)

    def names(self, run_id: str) -> list[str]:
        return [event["type"].rpartition(".")[2] for event in self.events(run_id)]

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """As `finport show` shows them."""
        shown = self.process("show", run_id, "--json", secret="")
        assert shown.returncode == 0, shown.stderr
        assert not any(secret in shown.stdout for secret in (self.keycloak.secret, _WRONG, "eyJ"))
        return [event for event in json.loads(shown.stdout)["events"] if ".authentication." in event["type"]]


class Stale:
    """Connections that held an old secret when a task began, and hold the right one by now."""

    def __init__(self, right: str) -> None:
        self._right = right

    def get(self, connection_id: str) -> ConnectionSpec:
        none: Connections = EnvironmentConnections({})
        return self._spec(_WRONG) if connection_id == "vendor" else none.get(connection_id)

    def _spec(self, secret: str) -> ConnectionSpec:
        return ConnectionSpec(
            id="vendor",
            kind="finport_http",
            login="svc",
            secret=lambda: secret,
            read=lambda: self._spec(self._right),
        )


def test_a_token_a_refusal_and_a_rotation_are_told_by_the_process_that_sees_them(
    tmp_path: Path, keycloak: KeycloakServer
) -> None:
    client = Client(tmp_path, keycloak).write()
    client.process("db", "upgrade", secret="")
    began = datetime.now(UTC)

    assert client.run("first", secret=keycloak.secret) == ["token_obtained", "succeeded"]
    obtained = client.events("first")[0]["facts"]
    assert (obtained["method"], obtained["connection"], obtained["source"]) == (
        "oauth2_client_credentials",
        "vendor",
        "me",
    )
    lasts = datetime.fromisoformat(obtained["ends_at"]) - began
    assert timedelta(seconds=290) < lasts < timedelta(seconds=420), "the realm's tokens last five minutes"

    assert client.run("second", secret=keycloak.secret) == ["succeeded"], "the token was found, not obtained"

    assert client.run("third", secret=_WRONG) == ["refused"]
    refused = client.events("third")[0]["facts"]
    assert (refused["connection"], refused["error"], refused["step"]) == ("vendor", "AccessDenied", "connect")

    services = Services.of(Project(tmp_path), Stale(keycloak.secret))
    plan = compile_plan(load_catalog(tmp_path, known_actions=known_actions()), "mine")
    run = RunKey(workflow="mine", run_id="fourth", run_after=datetime.now(UTC))
    assert Ingest(plan=plan, run=run, services=services)().status in ("succeeded", "skipped")
    assert client.names("fourth") == ["credentials_rotated", "succeeded"]

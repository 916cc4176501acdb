"""`finport source authorize`: a person agrees at Keycloak, and the next process reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.state.state import State
from tests.services.keycloak_person import agree
from tests.services.keycloak_server import KeycloakServer

pytestmark = pytest.mark.timeout(290)


def _document(kind: str, **spec: object) -> str:
    envelope = {"apiVersion": "finport.io/v1", "kind": kind, "metadata": {"name": "me"}}
    return yaml.safe_dump({**envelope, "spec": {"description": "A test.", "owner": "tests", **spec}})


@pytest.fixture
def project(tmp_path: Path, keycloak: KeycloakServer) -> Path:
    """A source behind a consent."""
    folder = tmp_path / "include" / "configs"
    way = {"allowPrivateNetwork": True, "caFile": str(keycloak.ca_path)}
    source = {"protocol": "http", "url": keycloak.issuer, "path": "/protocol/openid-connect/userinfo"}
    documents = {
        "authentication": _document(
            "Authentication",
            auth={
                "method": "oauth2_device",
                "issuer": keycloak.issuer,
                "scopes": ["openid"],
                "connection": "people",
            },
        ),
        "sources": _document(
            "Source",
            source=source,
            authentication="me",
            convert={"format": "json"},
            overrides={"security": way},
        ),
    }
    for name, text in documents.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "me.yaml").write_text(text)
    return tmp_path


def command(project: Path, keycloak: KeycloakServer, *words: str) -> subprocess.Popen[str]:
    connection = {"conn_type": "finport_http", "login": "people", "password": keycloak.secret}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = {**kept, "AIRFLOW_CONN_PEOPLE": json.dumps(connection), "FINPORT_PROJECT": str(project)}
    return subprocess.Popen(
        [sys.executable, "-m", "finport_ingestion.cli", *words],
        cwd=project,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2] / "plugins"), "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=120)
    return text


def test_a_person_agrees_and_the_next_process_reads(project: Path, keycloak: KeycloakServer) -> None:
    said(command(project, keycloak, "db", "upgrade"))
    before = command(project, keycloak, "source", "check", "me")
    assert "finport source authorize me" in said(before)
    assert before.returncode == 1
    asking = command(project, keycloak, "source", "authorize", "me")
    assert asking.stdout
    shown = re.match(r"open (https://\S+)", asking.stdout.readline())
    assert shown
    agree(keycloak, shown.group(1))
    assert "me may read from now on" in said(asking)
    after = command(project, keycloak, "source", "check", "me")
    assert (said(after).count("error"), after.returncode) == (0, 0)
    database = b"".join(path.read_bytes() for path in project.rglob("*.db*"))
    assert keycloak.secret.encode() not in database
    assert b"eyJ" not in database, "tokens of Keycloak begin so"
    told = State(f"sqlite:///{project / '.finport/state.db'}", SystemClock()).claim_events("log", 100)
    names = [event.type.removeprefix("io.finport.authentication.") for event in told]
    assert names == ["refused", "token_obtained"], "before, and when the person had agreed"


def test_a_source_that_needs_no_consent_says_so(project: Path, keycloak: KeycloakServer) -> None:
    auth = {"method": "basic", "connection": "people"}
    (project / "include/configs/authentication/me.yaml").write_text(_document("Authentication", auth=auth))
    said(command(project, keycloak, "db", "upgrade"))
    refused = command(project, keycloak, "source", "authorize", "me")
    assert "does not authenticate by oauth2_device" in said(refused)
    assert refused.returncode != 0

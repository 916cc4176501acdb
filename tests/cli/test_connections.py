"""Where a person's connections come from: the environment first, then Airflow, which is asked only when it must be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from finport_ingestion.cli.connections import CommandLineConnections, airflow_is_set_up
from finport_ingestion.engine.errors import MissingConnection

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_the_environment_comes_first() -> None:
    connections = CommandLineConnections({"AIRFLOW_CONN_VENDOR": "https://login:word@vendor.example/v1"})
    found = connections.get("vendor")
    assert (found.host, found.login, found.secret()) == ("vendor.example", "login", "word")


def test_without_airflow_a_missing_connection_says_how_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(MissingConnection, match="set AIRFLOW_CONN_VENDOR"):
        CommandLineConnections({"AIRFLOW_HOME": str(tmp_path)}).get("vendor")


def test_a_home_without_a_database_holds_no_connection(tmp_path: Path) -> None:
    (tmp_path / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn = sqlite:///{tmp_path}/airflow.db\n")
    assert not airflow_is_set_up({"AIRFLOW_HOME": str(tmp_path)})
    (tmp_path / "airflow.db").write_bytes(b"x" * 8192)
    assert airflow_is_set_up({"AIRFLOW_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "setting", ["[database]\nsql_alchemy_conn = postgresql://host/airflow\n", "[secrets]\nbackend = vault.Backend\n"]
)
def test_a_home_with_a_server_or_a_secrets_backend_holds_connections(tmp_path: Path, setting: str) -> None:
    (tmp_path / "airflow.cfg").write_text(setting)
    assert airflow_is_set_up({"AIRFLOW_HOME": str(tmp_path)})


def test_airflows_secrets_backend_is_asked_for_what_the_environment_has_not(tmp_path: Path) -> None:
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"vendor": "https://login:word@vendor.example/v1"}))
    code = (
        "from finport_ingestion.cli.connections import CommandLineConnections\n"
        "from finport_ingestion.engine.errors import MissingConnection\n"
        "connections = CommandLineConnections()\n"
        "found = connections.get('vendor')\n"
        "print(found.kind, found.host, found.login, found.secret())\n"
        "try:\n"
        "    connections.get('nobody')\n"
        "except MissingConnection as error:\n"
        "    print(error.message)\n"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(PLUGINS),
        "HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/none.db",
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(secrets)}),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "https vendor.example login word\nno connection 'nobody'.\n"

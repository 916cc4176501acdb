"""What Airflow's own hooks know of credentials reaches the engine: a role of AWS is assumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import AccessDenied, SourceUnavailable
from finport_ingestion.hooks.connections import AirflowConnections
from tests.services.process import free_port
from tests.services.s3_server import S3Server

ROLE = "arn:aws:iam::123456789012:role/market-data-reader"
ID = "vendor_bucket"


def stated(monkeypatch: pytest.MonkeyPatch, **extra: object) -> None:
    fields = {"conn_type": "aws", "login": "AKIATESTS", "password": "pl4nted-s3cret", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{ID.upper()}", json.dumps(fields))


def sts_at(url: str) -> dict[str, object]:
    return {"sts": {"endpoint_url": url}}


def found() -> ConnectionSpec:
    return AirflowConnections().get(ID)


def test_plain_keys_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    stated(monkeypatch, region_name="eu-central-1")
    spec = found()
    assert spec == EnvironmentConnections().get(ID)
    assert (spec.login, spec.secret()) == ("AKIATESTS", "pl4nted-s3cret")


def test_a_role_is_assumed(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    stated(monkeypatch, role_arn=ROLE, region_name=s3_server.region, service_config=sts_at(s3_server.endpoint_url))
    spec = found()
    assert spec.login not in (None, "AKIATESTS")
    assert spec.secret() not in (None, "pl4nted-s3cret")
    assert spec.extra["aws_session_token"]
    assert "role_arn" not in spec.extra
    # What was obtained is used up after a while: asked again, there are new ones.
    assert spec.reread().login != spec.login
    assert str(spec.extra["aws_session_token"]) not in repr(spec)


def test_a_role_without_an_answer_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = sts_at(f"http://127.0.0.1:{free_port()}")
    config = {"connect_timeout": 1, "retries": {"total_max_attempts": 1}}
    stated(monkeypatch, role_arn=ROLE, region_name="eu-central-1", service_config=nobody, config_kwargs=config)
    with pytest.raises(SourceUnavailable, match=f"connection '{ID}'") as raised:
        found()
    assert "pl4nted" not in str(raised.value)
    assert raised.value.hint


def test_a_machine_without_credentials_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv(f"AIRFLOW_CONN_{ID.upper()}", json.dumps({"conn_type": "aws"}))
    with pytest.raises(AccessDenied, match="holds no keys"):
        found()

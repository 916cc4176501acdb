"""The same connection by every way: Airflow or not, JSON or URI, environment or a secrets backend; and rotated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections

if TYPE_CHECKING:
    from tests.services.s3_server import S3Server

SECRET = "pl4nted:/?#[]@!$&'()*+,;=%\"\\ ü€"

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
schemes = st.sampled_from(["", "https://", "http://"])
labels = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z]{2,5})?", fullmatch=True)
hosts = st.one_of(labels, st.builds("{}{}".format, schemes, labels))
extras = st.one_of(
    st.dictionaries(texts, texts, max_size=3),
    st.dictionaries(texts, st.one_of(st.integers(), st.booleans(), st.lists(texts, max_size=2)), max_size=3),
)
fields = st.fixed_dictionaries(
    {"conn_type": st.sampled_from(["finport_http", "http", "postgres", "generic", "finport-odd"])},
    optional={
        "host": hosts,
        "login": texts,
        "password": texts,
        "schema": texts,
        "port": st.integers(min_value=1, max_value=65_535),
        "extra": extras,
    },
)


def both(monkeypatch: pytest.MonkeyPatch, text: str) -> tuple[ConnectionSpec, ConnectionSpec]:
    """What Airflow reads out of the environment, and what we do."""
    from finport_ingestion.hooks.connections import AirflowConnections

    monkeypatch.setenv("AIRFLOW_CONN_ODD", text)
    return AirflowConnections().get("odd"), EnvironmentConnections().get("odd")


def same(one: ConnectionSpec, other: ConnectionSpec) -> None:
    assert one == other
    assert one.secret() == other.secret()


@given(fields)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_is_read_as_airflow_reads_it(monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]) -> None:
    same(*both(monkeypatch, json.dumps(stated)))


@given(fields)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_airflow_writes_as_a_uri_is_read_as_airflow_reads_it(
    monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    from airflow.sdk import Connection

    extra = stated.pop("extra", None)
    written = Connection(conn_id="odd", **stated, extra=json.dumps(extra) if extra else None).get_uri()
    same(*both(monkeypatch, written))


@pytest.mark.parametrize(
    "uri",
    [
        "finport-http://login:pass%2Fword@https%3A%2F%2Fapi.example%2Fv1/?ca_file=%2Fca.pem&empty=",
        "finport-http://https://login:p%40ss@api.example:8443/schema?a=1",
        "http://API.Example.com",
        "postgresql://reader:s%3Acret@db.example:5432/market%2Fdata?sslmode=require",
        "sqlite:////tmp/state.db",
        "http://:only-password@host",
        "http://only-login@host",
        "http://host/?__extra__=%7B%22a%22%3A+%5B1%2C+2%5D%7D",
        "generic://",
        "http://[::1]:8080/",
    ],
)
def test_uris_that_people_write_are_read_as_airflow_reads_them(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    same(*both(monkeypatch, uri))


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Configures a secrets backend, as airflow.cfg does."""
    from airflow.sdk import configuration

    def configure(path: str, **options: Any) -> None:
        monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", path)
        monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps(options))
        configuration._secrets_backend_cache.clear()

    yield configure
    configuration._secrets_backend_cache.clear()


def test_a_file_of_secrets_is_one_way_and_its_changes_are_seen(backend: Callable[..., None], tmp_path: Path) -> None:
    from finport_ingestion.hooks.connections import AirflowConnections

    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"vendor": _vendor("old")}))
    backend("airflow.secrets.local_filesystem.LocalFilesystemBackend", connections_file_path=str(file))
    connection = AirflowConnections().get("vendor")
    assert (connection.login, connection.secret(), connection.extra) == ("finport", "old", {"ca_file": "/ca.pem"})
    file.write_text(json.dumps({"vendor": _vendor(SECRET)}))
    assert connection.reread().secret() == SECRET


def test_aws_secrets_manager_is_one_way_and_its_rotations_are_seen(
    backend: Callable[..., None], s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finport_ingestion.hooks.connections import AirflowConnections

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client = s3_server.client("secretsmanager")
    client.create_secret(Name="airflow/connections/vendor", SecretString=json.dumps(_vendor("old")))
    try:
        backend(
            "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
            connections_prefix="airflow/connections",
            endpoint_url=s3_server.endpoint_url,
            region_name=s3_server.region,
        )
        connection = AirflowConnections().get("vendor")
        assert (connection.login, connection.secret()) == ("finport", "old")
        client.put_secret_value(SecretId="airflow/connections/vendor", SecretString=json.dumps(_vendor(SECRET)))
        assert connection.reread().secret() == SECRET
    finally:
        client.delete_secret(SecretId="airflow/connections/vendor", ForceDeleteWithoutRecovery=True)


def test_the_environment_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for connection in both(monkeypatch, json.dumps(_vendor("old"))):
        monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps(_vendor(SECRET)))
        assert connection.secret() == "old"
        assert connection.reread().secret() == SECRET
        monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps(_vendor("old")))


def _vendor(password: str) -> dict[str, Any]:
    return {
        "conn_type": "finport_http",
        "host": "https://api.example",
        "login": "finport",
        "password": password,
        "extra": {"ca_file": "/ca.pem"},
    }

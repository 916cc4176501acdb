"""Client certificates, checked by nginx against a private CA: from files, from the connection, rotated, expired."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import PLANTED_SECRET, connection
from tests.services.certificates import Certificate, PrivateCa
from tests.services.nginx_server import NginxServers

SUBJECT = 'location / { return 200 "$ssl_client_s_dn"; }'
MTLS = {"method": "mtls"}


@pytest.fixture
def place(private_ca: PrivateCa) -> Place:
    """Where the private CA is trusted."""
    return Place(ca_file=private_ca.ca_path)


def issued(ca: PrivateCa, name: str, **more: Any) -> Certificate:
    return ca.issue(f"client-{name}", identities=(f"{name}.test",), common_name=name, **more)


def by_files(certificate: Certificate, **more: Any) -> ConnectionSpec:
    files = {"client_cert_file": str(certificate.certificate_path), "client_key_file": str(certificate.key_path)}
    return connection("finport_http", extra={**files, **more.pop("extra", {})}, **more)


def test_a_certificate_from_files_is_presented(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place
) -> None:
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        reply = place.user(by_files(issued(private_ca, "bank")), MTLS).ask(server.url("/"))
        assert reply.status == HTTPStatus.OK
        assert b"CN=bank" in reply.body


def test_a_certificate_from_the_connection_is_presented_and_leaves_no_file(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    certificate = issued(private_ca, "bank")
    pem = certificate.certificate_path.read_text()
    spec = connection("http", secret=certificate.key_path.read_text(), extra={"client_certificate": pem})
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        assert b"CN=bank" in place.user(spec, MTLS).ask(server.url("/")).body
    assert list(tmp_path.iterdir()) == []


def test_a_key_behind_its_certificate_and_with_a_passphrase_is_read(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place, tmp_path: Path
) -> None:
    certificate = issued(private_ca, "bank")
    key = serialization.load_pem_private_key(certificate.key_path.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PLANTED_SECRET.encode()),
    )
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.certificate_path.read_bytes() + locked)
    extra = {"client_cert_file": str(both), "client_key_passphrase": PLANTED_SECRET}
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        assert b"CN=bank" in place.user(connection("http", extra=extra), MTLS).ask(server.url("/")).body
    with pytest.raises(ConfigError, match="cannot be read") as raised:
        place.user(connection("http", extra={**extra, "client_key_passphrase": "wr0ng"}), MTLS)
    assert "wr0ng" not in str(raised.value)


def test_without_a_certificate_the_server_refuses(nginx_servers: NginxServers, place: Place) -> None:
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        reply = place.user(connection("http", login="finport"), {"method": "basic"}).ask(server.url("/"))
    assert reply.status == HTTPStatus.BAD_REQUEST


def test_a_certificate_of_another_authority_is_refused(
    nginx_servers: NginxServers, place: Place, tmp_path: Path
) -> None:
    stranger = issued(PrivateCa(tmp_path), "bank")
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        assert place.user(by_files(stranger), MTLS).ask(server.url("/")).status == HTTPStatus.BAD_REQUEST


def test_files_that_are_replaced_are_loaded_without_a_restart(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place, tmp_path: Path
) -> None:
    first, second = issued(private_ca, "first"), issued(private_ca, "second")
    used = Certificate(certificate_path=tmp_path / "client.pem", key_path=tmp_path / "client.key.pem")
    _replace(used, first)
    user = place.user(by_files(used), MTLS)
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        assert b"CN=first" in user.ask(server.url("/")).body
        _replace(used, second)
        assert b"CN=second" in user.ask(server.url("/")).body


def test_the_certificate_of_another_method_is_loaded_anew_as_well(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place, tmp_path: Path
) -> None:
    used = Certificate(certificate_path=tmp_path / "client.pem", key_path=tmp_path / "client.key.pem")
    _replace(used, issued(private_ca, "first"))
    user = place.user(by_files(used), {"method": "api_key", "header": "X-Api-Key"})
    with nginx_servers.serve(SUBJECT, client_certificates=True) as server:
        assert b"CN=first" in user.ask(server.url("/")).body
        _replace(used, issued(private_ca, "second"))
        assert b"CN=second" in user.ask(server.url("/")).body


def test_a_rotated_connection_is_read_once_more_after_a_refusal(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place
) -> None:
    known, unknown = issued(private_ca, "known"), issued(private_ca, "unknown")
    rotating = Rotating(**_fields(unknown))
    user = place.user(rotating.spec(), MTLS)
    only = 'location / { if ($ssl_client_s_dn !~ "CN=known") { return 401; } return 200 "$ssl_client_s_dn"; }'
    with nginx_servers.serve(only, client_certificates=True) as server:
        assert user.ask(server.url("/")).status == HTTPStatus.UNAUTHORIZED
        rotating.set(**_fields(known))
        assert b"CN=known" in user.ask(server.url("/")).body


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)])
def test_a_certificate_of_another_time_is_refused_before_anything_is_sent(
    private_ca: PrivateCa, place: Place, days: tuple[int, int]
) -> None:
    begins, ends = (datetime.now(UTC) + timedelta(days=day) for day in days)
    with pytest.raises(AccessDenied, match=rf"valid from {begins:%Y-%m-%d} .* to {ends:%Y-%m-%d}"):
        place.user(by_files(issued(private_ca, "bank", not_before=begins, not_after=ends)), MTLS)


def test_a_certificate_that_ends_soon_is_told(
    private_ca: PrivateCa, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    ends = datetime.now(UTC) + timedelta(days=3)
    place.user(by_files(issued(private_ca, "bank", not_after=ends)), MTLS)
    assert f"prices: the client certificate of connection 'planted' ends on {ends:%Y-%m-%d}" in caplog.text


def test_a_key_of_another_certificate_is_named(private_ca: PrivateCa, place: Place) -> None:
    one, other = issued(private_ca, "one"), issued(private_ca, "other")
    mixed = Certificate(certificate_path=one.certificate_path, key_path=other.key_path)
    with pytest.raises(ConfigError, match=r"cannot be used \(KEY_VALUES_MISMATCH\)"):
        place.user(by_files(mixed), MTLS)


def test_a_file_that_is_not_there_is_named(place: Place, tmp_path: Path) -> None:
    missing = Certificate(certificate_path=tmp_path / "none.pem", key_path=tmp_path / "none.key")
    with pytest.raises(ConfigError, match=r"none\.pem \(client_cert_file of connection 'planted'\) cannot be read"):
        place.user(by_files(missing), MTLS)


def test_another_method_may_have_a_certificate_beside_it(
    nginx_servers: NginxServers, private_ca: PrivateCa, place: Place
) -> None:
    both = 'location / { return 200 "$ssl_client_s_dn $http_x_api_key"; }'
    with nginx_servers.serve(both, client_certificates=True) as server:
        user = place.user(by_files(issued(private_ca, "bank")), {"method": "api_key", "header": "X-Api-Key"})
        body = user.ask(server.url("/")).body.decode()
    assert "CN=bank" in body
    assert body.endswith(PLANTED_SECRET)


def _fields(certificate: Certificate) -> dict[str, Any]:
    pem = certificate.certificate_path.read_text()
    return {"secret": certificate.key_path.read_text(), "extra": {"client_certificate": pem}}


def _replace(used: Certificate, by: Certificate) -> None:
    """As tools that rotate certificates do: write beside, then rename."""
    for old, new in ((used.certificate_path, by.certificate_path), (used.key_path, by.key_path)):
        beside = old.with_suffix(".new")
        shutil.copy(new, beside)
        beside.replace(old)

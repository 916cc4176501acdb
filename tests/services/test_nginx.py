"""nginx as tests use it."""

from __future__ import annotations

import ssl

import httpx
import pytest

from tests.services.certificates import PrivateCa
from tests.services.nginx_server import NginxServers


def test_a_file_is_served_in_ranges_over_tls_1_3(nginx_servers: NginxServers, private_ca: PrivateCa) -> None:
    with nginx_servers.serve("location / { root $files; }") as server:
        (server.files / "prices.csv").write_text("isin,close\n")
        with httpx.Client(verify=private_ca.client_context(), trust_env=False) as client:
            answer = client.get(server.url("/prices.csv"), headers={"Range": "bytes=5-9"})
        assert (answer.status_code, answer.text) == (206, "close")
        assert answer.headers["Content-Range"] == "bytes 5-9/11"
        assert '"GET /prices.csv HTTP/1.1" 206' in server.access_log()[0]


def test_a_server_that_wants_client_certificates_knows_whose_they_are(
    nginx_servers: NginxServers, private_ca: PrivateCa
) -> None:
    subject = 'location / { return 200 "$ssl_client_s_dn"; }'
    with nginx_servers.serve(subject, client_certificates=True) as server:
        with httpx.Client(verify=private_ca.client_context(), trust_env=False) as client:
            assert client.get(server.url("/")).status_code == 400
        bank = nginx_servers.issue("bank", "bank.example")
        context = private_ca.client_context()
        context.load_cert_chain(bank.certificate_path, bank.key_path)
        with httpx.Client(verify=context, trust_env=False) as client:
            assert "Testing cert #" in client.get(server.url("/")).text


def test_a_server_of_old_tls_is_had_by_name(nginx_servers: NginxServers, private_ca: PrivateCa) -> None:
    context = private_ca.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with (
        nginx_servers.serve("return 200;", protocols="TLSv1.2") as server,
        httpx.Client(verify=context, trust_env=False) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get(server.url("/"))

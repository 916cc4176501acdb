"""The guarded way out: what passes, what is refused, and that nothing is left of it."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from finport_ingestion.engine.errors import AddressRefused, ConfigError, SourceUnavailable
from finport_ingestion.engine.network import relay
from finport_ingestion.engine.network.http_proxy import read_head
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.network.tunnel import Tunnel
from tests.services.certificates import PrivateCa
from tests.services.process import free_port
from tests.services.web import WebServer, WebServers
from tests.services.web_replies import text_reply
from tests.unit.network.proxies import recording_proxy

DEADLINE_SECONDS = 10
CONTENT = secrets.token_bytes(4 << 20)


@contextmanager
def tunnel_with(**stated: Any) -> Iterator[Tunnel]:
    protection = Protection(**{"allow_private_network": True, **stated})
    tunnel = Tunnel(protection, source="prices", timeout_seconds=5)
    try:
        yield tunnel
    finally:
        tunnel.close()


def asked(tunnel: Tunnel, first_line: str, *, authorization: str | None = None) -> tuple[socket.socket, bytes]:
    """The connection and the head of what the tunnel answers."""
    login = urlsplit(tunnel.url)
    known = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    head = f"{first_line} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {authorization or f'Basic {known}'}\r\n\r\n"
    client = socket.create_connection(("127.0.0.1", tunnel.port), timeout=DEADLINE_SECONDS)
    client.sendall(head.encode())
    return client, read_head(client)


def fetched(
    tunnel: Tunnel,
    server: WebServer,
    ca: PrivateCa,
    path: str,
    *,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> bytes:
    """The body behind TLS through the tunnel."""
    context = ca.client_context()
    context.maximum_version = newest
    client, _ = asked(tunnel, f"CONNECT 127.0.0.1:{server.port}")
    with client, context.wrap_socket(client, server_hostname="127.0.0.1") as secured:
        secured.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = bytearray()
        while piece := secured.recv(1 << 16):
            received += piece
    return bytes(received).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("splices", [True, False])
def test_what_goes_through_arrives_whole(
    web_server: WebServer, private_ca: PrivateCa, monkeypatch: pytest.MonkeyPatch, splices: bool
) -> None:
    monkeypatch.setattr(relay, "_SPLICES", splices)
    web_server.add("/big", text_reply(CONTENT.hex()))
    with tunnel_with() as tunnel:
        assert fetched(tunnel, web_server, private_ca, "/big") == CONTENT.hex().encode()
        assert tunnel.refusal(since=0) is None


def test_nobody_without_its_password_goes_through(web_server: WebServer) -> None:
    with tunnel_with() as tunnel:
        for wrong in ("Basic dHVubmVsOndyb25n", "Basic", "Bearer x"):
            client, head = asked(tunnel, f"CONNECT 127.0.0.1:{web_server.port}", authorization=wrong)
            client.close()
            assert head.startswith(b"HTTP/1.1 407 ")
    assert web_server.connection_count == 0


def test_each_tunnel_has_a_password_of_its_own() -> None:
    with tunnel_with() as one, tunnel_with() as other:
        assert urlsplit(one.url).password != urlsplit(other.url).password


def test_a_private_address_is_refused_and_the_reason_kept(web_server: WebServer) -> None:
    with tunnel_with(allow_private_network=False) as tunnel:
        client, head = asked(tunnel, f"CONNECT 127.0.0.1:{web_server.port}")
        client.close()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert isinstance(tunnel.refusal(since=0), AddressRefused)
        assert tunnel.refusal(since=time.monotonic()) is None
    assert web_server.connection_count == 0


def test_a_server_that_is_down_is_the_reason_of_a_later_try() -> None:
    with tunnel_with() as tunnel:
        client, head = asked(tunnel, f"CONNECT 127.0.0.1:{free_port()}")
        client.close()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert isinstance(tunnel.refusal(since=0), SourceUnavailable)


@pytest.fixture
def old_server(web_servers: WebServers) -> Iterator[WebServer]:
    """Speaks TLS 1.2 with who asks for it."""
    with web_servers.serve(minimum=ssl.TLSVersion.TLSv1_2) as server:
        server.add("/", text_reply("old"))
        yield server


def test_a_server_of_an_old_tls_is_refused(old_server: WebServer, private_ca: PrivateCa) -> None:
    with tunnel_with() as tunnel:
        with pytest.raises(ssl.SSLEOFError):
            fetched(tunnel, old_server, private_ca, "/", newest=ssl.TLSVersion.TLSv1_2)
        refusal = tunnel.refusal(since=0)
        assert isinstance(refusal, ConfigError)
        assert "older than 1.3" in refusal.message
    assert old_server.requests == []


def test_an_old_tls_is_taken_where_it_is_stated(old_server: WebServer, private_ca: PrivateCa) -> None:
    with tunnel_with(min_tls="1.2") as tunnel:
        assert fetched(tunnel, old_server, private_ca, "/", newest=ssl.TLSVersion.TLSv1_2) == b"old"


def test_what_is_no_tls_does_not_pass_as_such(plain_web_server: WebServer) -> None:
    plain_web_server.add("/", text_reply("in clear"))
    with tunnel_with() as tunnel:
        client, head = asked(tunnel, f"CONNECT 127.0.0.1:{plain_web_server.port}")
        assert head.startswith(b"HTTP/1.1 200 ")
        with client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100) == b""
        refusal = tunnel.refusal(since=0)
        assert isinstance(refusal, ConfigError)
        assert "no TLS" in refusal.message


def test_a_request_in_clear_is_refused_where_it_is_not_allowed(plain_web_server: WebServer) -> None:
    with tunnel_with() as tunnel:
        client, head = asked(tunnel, f"GET {plain_web_server.url('/prices')}")
        client.close()
        assert head.startswith(b"HTTP/1.1 502 ")
        refusal = tunnel.refusal(since=0)
        assert isinstance(refusal, ConfigError)
        assert "allowPlaintext" in (refusal.hint or "")
    assert plain_web_server.requests == []


def test_a_request_in_clear_goes_through_where_it_is_allowed_and_tells_the_server_nothing_of_the_tunnel(
    plain_web_server: WebServer,
) -> None:
    plain_web_server.add("/prices", text_reply("in clear"))
    with tunnel_with(allow_plaintext=True) as tunnel:
        client, head = asked(tunnel, f"GET {plain_web_server.url('/prices?day=1')}")
        with client:
            assert head.startswith(b"HTTP/1.1 200 ")
            assert client.recv(100) == b"in clear"
            assert client.recv(100) == b""
    (request,) = plain_web_server.requests
    assert (request.path, request.parameter("day")) == ("/prices", "1")
    assert not [name for name in request.headers if name.startswith("proxy-")]


def test_the_sources_own_proxy_is_the_way_of_the_tunnel(web_server: WebServer, private_ca: PrivateCa) -> None:
    web_server.add("/", text_reply("by two proxies"))
    with (
        recording_proxy(towards=("127.0.0.1", web_server.port)) as proxy,
        tunnel_with(proxy=f"http://us:pw@127.0.0.1:{proxy.port}") as tunnel,
    ):
        assert fetched(tunnel, web_server, private_ca, "/") == b"by two proxies"
        assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{web_server.port} ")


@pytest.mark.parametrize("line", ["CONNECT 127.0.0.1", "CONNECT 127.0.0.1:x", "nonsense", "GET /", "GET http://:0/"])
def test_what_is_no_request_is_answered_by_an_end(line: str) -> None:
    with tunnel_with(allow_plaintext=True) as tunnel:
        try:
            client, head = asked(tunnel, line)
        except (OSError, ValueError):
            return
        client.close()
        assert not head.startswith(b"HTTP/1.1 200 ")


def test_closing_ends_what_is_open_and_leaves_nothing() -> None:
    process = psutil.Process()
    before, threads = process.num_fds(), threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with tunnel_with() as tunnel:
            client, head = asked(tunnel, f"CONNECT 127.0.0.1:{silent.getsockname()[1]}")
            half, _ = asked(tunnel, "nonsense", authorization="Basic")
            server, _ = silent.accept()
            tunnel.close()
            assert client.recv(10) == b""
            tunnel.close()
        for each in (client, half, server):
            each.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert process.num_fds() <= before
    assert threading.active_count() <= threads


def test_a_process_that_was_forked_meanwhile_ends_nothing(web_server: WebServer, private_ca: PrivateCa) -> None:
    web_server.add("/", text_reply("still there"))
    with tunnel_with() as tunnel:
        child = os.fork()
        if not child:
            tunnel.close()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert fetched(tunnel, web_server, private_ca, "/") == b"still there"


def test_its_password_stands_in_no_text_of_it() -> None:
    with tunnel_with() as tunnel:
        assert str(urlsplit(tunnel.url).password) not in f"{tunnel!r} {tunnel}"

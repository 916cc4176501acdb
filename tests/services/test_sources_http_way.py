"""What the HTTP source tells its gate, how it signs, what goes through a proxy, and single calls on the same way."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from finport_ingestion.engine.auth.interface import Request as Sent
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FinportError,
    RateLimited,
    SourceUnavailable,
)
from finport_ingestion.engine.network.runner import run
from finport_ingestion.engine.resilience.gate import Answer as Told
from finport_ingestion.engine.sources.http_api import HttpSource
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.caller import caller
from finport_ingestion.engine.sources.web.client import WebClient, web_client
from finport_ingestion.engine.sources.web.way import cut
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.nginx_server import NginxServers
from tests.services.process import free_port
from tests.services.test_sources_http import ROWS, collect, numbered_pages, rows_of
from tests.services.web import WebServer
from tests.services.web_replies import (
    Answer,
    Exchange,
    Hang,
    Reply,
    Request,
    ResetConnection,
    error_reply,
    in_turn,
    json_reply,
)
from tests.services.web_tokens import TokenEndpoint


class Watched:
    """A gate that remembers what it was asked and told, and lets nobody in without waiting."""

    def __init__(self, *, at_once: bool = True, refusal: FinportError | None = None) -> None:
        self.admitted = 0
        self.told: list[Told] = []
        self.threads: set[str] = set()
        self._at_once = at_once
        self._refusal = refusal

    def admitted_now(self) -> bool:
        self.admitted += self._at_once
        return self._at_once

    def admit(self, deadline: Deadline) -> None:
        self.threads.add(threading.current_thread().name)
        if self._refusal:
            raise self._refusal
        self.admitted += 1

    def report(self, answer: Told) -> None:
        self.told.append(answer)


def made(access: Access, **options: Any) -> HttpSource:
    stated = HttpSource.Options.model_validate({"protocol": "http", "path": "/v1/prices", **options})
    return HttpSource(stated, access)


def reach(server: WebServer, gate: Watched | None = None, *, extra: Any = None, **limits: Any) -> Access:
    spec = connection("finport_http", host=server.url(), extra={"ca_file": str(server.ca_path), **(extra or {})})
    given = access(spec, **limits)
    return dataclasses.replace(given, gate=gate) if gate else given


@dataclasses.dataclass
class Surplus:
    """A good answer, and when it may, a whole second one that nobody asked for."""

    may: threading.Event
    answer: Answer
    second: Answer

    def send(self, exchange: Exchange) -> None:
        self.answer.send(exchange)
        self.may.wait(20)
        self.second.send(exchange)


class TestKeptConnections:
    """Those that a source's client keeps between two requests."""

    def test_an_answer_that_came_before_its_request_is_none(self, web_server: WebServer) -> None:
        may, gate = threading.Event(), Watched()
        surplus = Surplus(may, json_reply("first"), json_reply("that nobody asked for"))
        web_server.add("/v1/prices", in_turn(surplus, json_reply("second")))
        ask = Ask("GET", web_server.url("/v1/prices"))
        with web_client(reach(web_server, gate), base_url=web_server.url(), headers={}) as client:
            assert run(self.asked(client, ask)) == b'"first"'
            may.set()
            run(self.something_came(client))
            assert run(self.asked(client, ask)) == b'"second"'
        assert [told.outcome for told in gate.told] == ["good", "given up", "good"]

    def test_a_request_that_is_sent_again_passes_the_gate_again(self, web_server: WebServer) -> None:
        gate = Watched()
        web_server.add("/v1/prices", in_turn(json_reply(ROWS), ResetConnection(), json_reply(ROWS)))
        with web_client(reach(web_server, gate), base_url=web_server.url(), headers={}) as client:
            for _ in range(2):
                run(self.asked(client, Ask("GET", web_server.url("/v1/prices"))))
        assert gate.admitted == len(web_server.requests) == 3
        assert [told.outcome for told in gate.told] == ["good", "given up", "good"]

    def test_what_may_not_be_done_twice_is_not_sent_again(self, web_server: WebServer) -> None:
        gate = Watched()
        web_server.add("/v1/prices", in_turn(json_reply(ROWS), ResetConnection(), json_reply(ROWS)))
        ask = Ask("POST", web_server.url("/v1/prices"), b"{}")
        with web_client(reach(web_server, gate), base_url=web_server.url(), headers={}) as client:
            run(self.asked(client, ask))
            with pytest.raises(SourceUnavailable, match="the connection fails"):
                run(self.asked(client, ask))
        assert gate.admitted == len(web_server.requests) == 2
        assert [told.outcome for told in gate.told] == ["good", "failed"]

    async def asked(self, client: WebClient, ask: Ask) -> bytes:
        response = await client.get(ask)
        body = await response.read()
        cut(response)
        return body

    async def something_came(self, client: WebClient) -> None:
        assert client.session.connector
        async with asyncio.timeout(20):
            while not any(kept.should_close for line in client.session.connector._conns.values() for kept, _ in line):
                await asyncio.sleep(0.01)


class TestGate:
    PAGES: ClassVar[dict[str, Any]] = {"pagination": {"style": "page", "totalPages": "pages"}}

    @pytest.mark.parametrize("at_once", [True, False])
    def test_every_request_passes_and_is_reported_once(self, web_server: WebServer, at_once: bool) -> None:
        gate = Watched(at_once=at_once)
        web_server.add("/v1/prices", numbered_pages)
        assert rows_of(collect(made(reach(web_server, gate), **self.PAGES))) == ROWS
        assert gate.admitted == len(gate.told) == len(web_server.requests) == 3
        assert {told.outcome for told in gate.told} == {"good"}
        assert all(told.seconds is not None and told.seconds > 0 for told in gate.told)

    def test_who_has_to_wait_waits_in_a_thread(self, web_server: WebServer) -> None:
        gate = Watched(at_once=False)
        web_server.add("/v1/prices", numbered_pages)
        collect(made(reach(web_server, gate), **self.PAGES))
        assert all(name.startswith("finport-waits") for name in gate.threads)

    def test_a_gate_that_refuses_sends_nothing(self, web_server: WebServer) -> None:
        gate = Watched(at_once=False, refusal=RateLimited("not before tomorrow"))
        with pytest.raises(RateLimited, match="not before tomorrow"):
            made(reach(web_server, gate)).check()
        assert web_server.requests == []
        assert gate.told == []

    @pytest.mark.parametrize(
        ("reply", "outcome"),
        [
            (error_reply(404), "good"),
            (error_reply(401), "good"),
            (error_reply(501), "good"),
            (error_reply(500), "failed"),
            (error_reply(503, headers={"Retry-After": "9"}), "failed"),
            (error_reply(429, headers={"Retry-After": "9"}), "limited"),
            (ResetConnection(), "failed"),
            (Hang(), "failed"),
        ],
    )
    def test_the_gate_hears_how_it_went(self, web_server: WebServer, reply: Reply, outcome: str) -> None:
        gate = Watched()
        web_server.add("/v1/prices", reply)
        with pytest.raises(FinportError):
            collect(made(reach(web_server, gate, request_timeout_seconds=0.5), etag=False))
        *before, told = gate.told
        assert told.outcome == outcome
        assert {each.outcome for each in before} <= {"given up"}
        assert gate.admitted == len(gate.told) == len(web_server.requests)
        assert told.retry_after_seconds == (9 if "Retry-After" in getattr(reply, "headers", {}) else None)

    def test_headers_about_the_rate_reach_the_gate(self, web_server: WebServer) -> None:
        gate = Watched()
        headers = {"RateLimit": '"hour";r=7;t=30'}
        web_server.add("/v1/prices", json_reply(ROWS, headers=headers))
        collect(made(reach(web_server, gate), etag=False))
        assert (gate.told[0].remaining, gate.told[0].reset_seconds) == (7, 30)

    def test_a_limit_without_retry_after_is_over_when_the_quota_is_renewed(self, web_server: WebServer) -> None:
        web_server.add(
            "/v1/prices", error_reply(429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"})
        )
        with pytest.raises(RateLimited) as raised:
            collect(made(reach(web_server), etag=False))
        assert raised.value.retry_after_seconds == 40


class TestSigning:
    def source(self, server: WebServer, tokens: TokenEndpoint, gate: Watched | None = None) -> HttpSource:
        server.add("/token", tokens)
        server.add("/v1/prices", tokens.protect(numbered_pages))
        stated = {"method": "oauth2_client_credentials", "tokenUrl": "/token"}
        auth = METHODS.get("oauth2_client_credentials").Options.model_validate(stated)
        spec = connection("finport_http", host=server.url(), login="finport", extra={"ca_file": str(server.ca_path)})
        given = access(spec, auth=auth)
        return made(
            dataclasses.replace(given, gate=gate) if gate else given,
            pagination={"style": "page", "totalPages": "pages"},
        )

    def tokens(self) -> TokenEndpoint:
        return TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)

    def test_a_token_that_ends_early_is_renewed_once(self, web_server: WebServer) -> None:
        tokens = self.tokens()
        source = self.source(web_server, tokens)
        assert rows_of(collect(source)) == ROWS
        issued = tokens.issued
        tokens.revoke_all()
        assert rows_of(collect(source)) == ROWS
        assert tokens.issued == issued + 1

    def test_pages_side_by_side_share_one_token(self, web_server: WebServer) -> None:
        tokens = self.tokens()
        assert rows_of(collect(self.source(web_server, tokens))) == ROWS
        assert tokens.issued == 1

    def test_requests_for_tokens_do_not_count_at_the_gate_of_the_source(self, web_server: WebServer) -> None:
        gate, tokens = Watched(), self.tokens()
        source = self.source(web_server, tokens, gate)
        collect(source)
        assert gate.admitted == len(web_server.requests_to("/v1/prices"))

    def test_each_redirect_is_signed_and_passes_the_gate(self, web_server: WebServer) -> None:
        gate, tokens = Watched(), self.tokens()
        source = self.source(web_server, tokens, gate)
        web_server.add("/v2", tokens.protect(numbered_pages))
        web_server.add("/v1/prices", tokens.protect(Answer(b"", 307, {"Location": "/v2?page=3"})))
        assert "credentials accepted" in source.check()
        assert gate.admitted == len(web_server.requests_to("/v1/prices")) + len(web_server.requests_to("/v2"))


class TestCaller:
    def test_a_call_gives_the_whole_answer_as_it_is(self, web_server: WebServer) -> None:
        def echo(request: Request) -> Reply:
            return json_reply([request.method, request.body.decode()], status=418, headers={"Set-Cookie": "a=1"})

        web_server.add("/token", echo)
        call = caller(reach(web_server))
        reply = call(Sent(method="POST", url=web_server.url("/token?x=%2F"), headers={"X-A": "b"}, body=b"grant=1"))
        assert (reply.status, reply.body) == (418, b'["POST", "grant=1"]')
        assert reply.headers["content-type"] == "application/json"
        assert reply.cookies == ("a=1",)
        request = web_server.requests[-1]
        assert (request.query, request.headers["x-a"]) == ({"x": ["/"]}, "b")

    def test_a_call_follows_nothing_and_remembers_nothing(self, web_server: WebServer) -> None:
        headers = {"Location": "/elsewhere", "Set-Cookie": "session=1"}
        web_server.add("/token", Answer(b"", 302, headers))
        call = caller(reach(web_server))
        assert [call(Sent(method="GET", url=web_server.url("/token"))).status for _ in range(2)] == [302, 302]
        assert [request.path for request in web_server.requests] == ["/token", "/token"]
        assert all("cookie" not in request.headers for request in web_server.requests)

    def test_a_call_may_go_nowhere_else_than_the_source(self, web_server: WebServer) -> None:
        call = caller(reach(web_server, protection={"allow_private_network": False}))
        with pytest.raises(AddressRefused):
            call(Sent(method="GET", url=web_server.url("/token")))
        with pytest.raises(ConfigError, match="without TLS"):
            caller(reach(web_server))(Sent(method="GET", url="http://127.0.0.1:1/token"))
        assert web_server.requests == []

    def test_a_call_that_fails_repeats_no_query(self, web_server: WebServer) -> None:
        web_server.add("/token", ResetConnection())
        with pytest.raises(SourceUnavailable) as raised:
            caller(reach(web_server))(Sent(method="POST", url=web_server.url("/token?key=visible"), body=b"visible"))
        assert "visible" not in str(raised.value)
        assert raised.value.__cause__ is None

    def test_a_call_with_a_client_certificate(self, nginx_servers: NginxServers) -> None:
        from finport_ingestion.engine.network.tls import client_tls

        with nginx_servers.serve("return 200;", client_certificates=True) as server:
            bank = nginx_servers.issue("caller", "bank.example")
            given = access(connection("finport_http", host=server.url(), extra={"ca_file": str(server.ca_path)}))
            tls = client_tls(given.protection, source="prices")
            tls.load_cert_chain(bank.certificate_path, bank.key_path)
            assert caller(given, tls)(Sent(method="GET", url=server.url("/"))).status == 200
            assert caller(given)(Sent(method="GET", url=server.url("/"))).status == 400


class Proxy:
    """A small CONNECT proxy that knows names which nobody else does."""

    def __init__(self, *, names: dict[str, str], password: str | None = None, status: str = "200 OK") -> None:
        self.asked: list[str] = []
        self._names = names
        self._password = password
        self._status = status

    @contextmanager
    def serving(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield listener.getsockname()[1]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n") and (piece := client.recv(1)):
                head += piece
            if not head:
                return
            target = head.split()[1].decode()
            self.asked.append(head.decode())
            client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
            if not self._status.startswith("200"):
                return
            host, _, port = target.rpartition(":")
            with socket.create_connection((self._names.get(host, host), int(port))) as server:
                back = threading.Thread(target=self._pipe, args=(server, client), daemon=True)
                back.start()
                self._pipe(client, server)
                back.join()

    def _pipe(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65_536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


class TestProxy:
    def through(
        self, server: WebServer, port: int, *, host: str = "127.0.0.1", login: str = "", **protection: Any
    ) -> HttpSource:
        url = server.url().replace("127.0.0.1", host)
        extra = {"ca_file": str(server.ca_path), "proxy": f"http://{login}127.0.0.1:{port}"}
        return made(access(connection("finport_http", host=url, extra=extra), protection=protection))

    def test_requests_go_through_the_proxy_with_its_credentials(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered_pages)
        proxy = Proxy(names={})
        with proxy.serving() as port:
            assert "answers 200 over TLS" in self.through(web_server, port, login="finport:pass@").check()
        assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{web_server.port} HTTP/1.1")
        assert "Proxy-Authorization: Basic" in proxy.asked[0]

    def test_an_address_that_is_not_allowed_is_not_asked_for(self, web_server: WebServer) -> None:
        proxy = Proxy(names={})
        with proxy.serving() as port:
            for host in ("127.0.0.1", "localhost"):
                with pytest.raises(AddressRefused):
                    self.through(web_server, port, host=host, allow_private_network=False).check()
        assert proxy.asked == []

    def test_a_name_that_only_the_proxy_knows_is_left_to_it(self, web_server: WebServer) -> None:
        proxy = Proxy(names={"vendor.invalid": "127.0.0.1"})
        # The certificate is of another name: TLS is between the source and the server.
        with proxy.serving() as port, pytest.raises(ConfigError, match=r"not valid for 'vendor\.invalid'"):
            self.through(web_server, port, host="vendor.invalid", allow_private_network=False).check()
        assert proxy.asked[0].startswith("CONNECT vendor.invalid:")

    @pytest.mark.parametrize(
        ("status", "error", "told"),
        [
            ("407 Proxy Authentication Required", AccessDenied, "the proxy wants other credentials"),
            ("403 Forbidden", AccessDenied, "lets nobody through"),
            ("502 Bad Gateway", SourceUnavailable, "the proxy answers 502"),
        ],
    )
    def test_a_proxy_that_refuses_says_why(
        self, web_server: WebServer, status: str, error: type[FinportError], told: str
    ) -> None:
        with Proxy(names={}, status=status).serving() as port, pytest.raises(error, match=told) as raised:
            self.through(web_server, port, login="finport:visible@").check()
        assert "visible" not in str(raised.value)

    def test_a_proxy_where_nobody_listens_can_be_tried_again(self, web_server: WebServer) -> None:
        with pytest.raises(SourceUnavailable, match=r"the proxy cannot be reached \(Connection refused\)"):
            self.through(web_server, free_port()).check()


def test_no_log_repeats_queries_headers_or_bodies(web_server: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    web_server.add("/v1/prices", json_reply(ROWS))
    source = made(
        reach(web_server),
        method="POST",
        query={"key": "visible"},
        headers={"X-Key": "visible"},
        body={"key": "visible"},
    )
    with caplog.at_level(logging.DEBUG):
        collect(source)
    assert "POST /v1/prices" in caplog.text
    assert "visible" not in caplog.text


def test_the_connection_type_is_tried_over_the_same_way(web_server: WebServer) -> None:
    from finport_ingestion.hooks.connection_types import HttpConnectionHook

    web_server.add("/*", json_reply(ROWS))
    hook = HttpConnectionHook("planted")
    spec = connection("finport_http", host=web_server.url(), extra={"ca_file": str(web_server.ca_path)})
    assert hook._try(spec) == "127.0.0.1 answers with status 200"
    with pytest.raises(ConfigError, match="not trusted"):
        hook._try(connection("finport_http", host=web_server.url()))
    with pytest.raises(ConfigError, match="no address"):
        hook._try(connection("finport_http"))

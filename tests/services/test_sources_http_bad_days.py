"""The HTTP source on a provider's bad days: the right kind of error, and afterwards nothing lost and nothing twice."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AddressRefused,
    ChecksumMismatch,
    ConfigError,
    FinportError,
    PermanentError,
    RateLimited,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import ManualClock, access, connection
from tests.services.haproxy_server import HaproxyServers
from tests.services.nginx_server import NginxServer, NginxServers
from tests.services.test_sources_http import CSV, ROWS, collect, http_source, numbered_pages, rows_of
from tests.services.toxiproxy_server import Toxics, Toxiproxy
from tests.services.web import WebServer, WebServers
from tests.services.web_replies import (
    Answer,
    CutReply,
    Reply,
    Request,
    ResetConnection,
    error_reply,
    in_turn,
    json_reply,
    too_many_requests,
)

PAGES = {"style": "page", "totalPages": "pages"}


def at(url: str, ca: object, *, host: str = "127.0.0.1", **limits: Any) -> HttpSource:
    options = limits.pop("options", {})
    spec = connection("finport_http", host=url.replace("127.0.0.1", host), extra={"ca_file": str(ca)})
    stated = HttpSource.Options.model_validate({"protocol": "http", "path": "/v1/prices", **options})
    return HttpSource(stated, access(spec, **limits))


class TestCertificates:
    """Of nginx, signed by an authority that the source trusts, and wrong all the same."""

    def refused(self, server: NginxServer) -> FinportError:
        with pytest.raises(ConfigError) as raised:
            at(server.url(), server.ca_path).check()
        assert server.access_log() == []
        return raised.value

    def test_a_certificate_of_another_name_is_refused(self, nginx_servers: NginxServers) -> None:
        other = nginx_servers.issue("other", "other.example")
        with nginx_servers.serve("return 200;", certificate=other) as server:
            assert "not valid for '127.0.0.1'" in str(self.refused(server))

    def test_a_certificate_that_has_ended_is_refused(self, nginx_servers: NginxServers) -> None:
        ended = nginx_servers.issue_ended("ended")
        with nginx_servers.serve("return 200;", certificate=ended) as server:
            assert "certificate has expired" in str(self.refused(server))

    def test_an_old_tls_is_refused(self, nginx_servers: NginxServers) -> None:
        with nginx_servers.serve("return 200;", protocols="TLSv1.2") as server:
            assert "minTls" in str(self.refused(server))
            assert "answers 200" in at(server.url(), server.ca_path, protection={"min_tls": "1.2"}).check()

    def test_a_server_that_wants_a_certificate_says_so(self, nginx_servers: NginxServers) -> None:
        with (
            nginx_servers.serve("return 200;", client_certificates=True) as server,
            pytest.raises(PermanentError, match="answers 400"),
        ):
            at(server.url(), server.ca_path).check()


class TestWay:
    """toxiproxy between the source and an HTTPS server."""

    BODY = CSV * 500

    @pytest.fixture
    def way(self, web_server: WebServer, toxiproxy: Toxiproxy) -> Iterator[Toxics]:
        web_server.add("/v1/prices", Answer(self.BODY, HTTPStatus.OK, {"Content-Type": "text/csv"}))
        with toxiproxy.before(web_server.port) as toxics:
            yield toxics

    def source(self, way: Toxics, server: WebServer, **limits: Any) -> HttpSource:
        return at(f"https://127.0.0.1:{way.port}", server.ca_path, options={"etag": False}, **limits)

    def test_a_connection_cut_in_the_middle_is_no_whole_file(self, way: Toxics, web_server: WebServer) -> None:
        way.add("limit_data", bytes=300_000)
        with pytest.raises(SourceUnavailable, match="the connection fails"):
            collect(self.source(way, web_server))
        way.heal()
        assert collect(self.source(way, web_server)) == [self.BODY]

    def test_a_connection_reset_in_the_middle_can_be_tried_again(self, way: Toxics, web_server: WebServer) -> None:
        way.add("bandwidth", rate=500)
        source = self.source(way, web_server)
        (item,) = source.discover(None)
        deliveries = source.open(item)
        stream = next(deliveries).stream
        assert stream.read(9) == b"id,close\n"
        way.add("reset_peer", timeout=0)
        with pytest.raises(SourceUnavailable, match="the connection fails"):
            stream.read()

    def test_a_stall_in_the_middle_is_given_up(self, way: Toxics, web_server: WebServer) -> None:
        way.add("bandwidth", rate=200)
        source = self.source(way, web_server, request_timeout_seconds=1.0)
        (item,) = source.discover(None)
        deliveries = source.open(item)
        stream = next(deliveries).stream
        assert stream.read(9) == b"id,close\n"
        way.add("timeout", timeout=0)
        with pytest.raises(SourceUnavailable, match=r"no answer in time \(read timeout\)"):
            stream.read()

    def test_a_slow_way_is_only_slow(self, way: Toxics, web_server: WebServer) -> None:
        way.add("latency", latency=120, jitter=0)
        assert collect(self.source(way, web_server)) == [self.BODY]

    def test_a_port_that_comes_back_is_used_again(self, way: Toxics, web_server: WebServer) -> None:
        way.down()
        with pytest.raises(SourceUnavailable, match="Connection refused"):
            collect(self.source(way, web_server))
        way.up()
        assert collect(self.source(way, web_server)) == [self.BODY]


class TestServersBehindHaproxy:
    def test_pages_survive_a_server_that_fails_now_and_then(
        self, web_server: WebServer, haproxy_servers: HaproxyServers
    ) -> None:
        web_server.add("/v1/prices", numbered_pages)
        # Every second request for a later page fails.
        faults = (
            "stick-table type integer size 10 store http_req_cnt",
            "acl first url_param(page) -m str 1",
            "http-request track-sc0 int(1) unless first",
            "http-request return status 500 if !first { sc_http_req_cnt(0),mod(2) eq 1 }",
        )
        with haproxy_servers.before(web_server.port, *faults) as proxy:
            source = at(proxy.url(), proxy.ca_path, options={"pagination": PAGES, "etag": False}, connections=1)
            assert rows_of(collect(source)) == ROWS

    def test_a_quota_is_told_with_its_wait(self, web_server: WebServer, haproxy_servers: HaproxyServers) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        fault = "http-request return status 429 hdr Retry-After 3"
        with haproxy_servers.before(web_server.port, fault) as proxy:
            with pytest.raises(RateLimited, match="asks to wait 3 s") as raised:
                collect(at(proxy.url(), proxy.ca_path))
            assert raised.value.retry_after_seconds == 3

    def test_a_backend_that_is_taken_away_and_comes_back(
        self, web_server: WebServer, haproxy_servers: HaproxyServers
    ) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        with haproxy_servers.before(web_server.port) as proxy:
            proxy.command("disable server back/one")
            with pytest.raises(SourceUnavailable, match="answers 503"):
                collect(at(proxy.url(), proxy.ca_path))
            proxy.command("enable server back/one")
            assert json.loads(collect(at(proxy.url(), proxy.ca_path))[0]) == ROWS

    def test_a_firewall_that_swallows_requests_is_given_up(
        self, web_server: WebServer, haproxy_servers: HaproxyServers
    ) -> None:
        with (
            haproxy_servers.before(web_server.port, "http-request silent-drop") as proxy,
            pytest.raises(SourceUnavailable),
        ):
            at(proxy.url(), proxy.ca_path, request_timeout_seconds=1.0).check()
        assert web_server.requests == []


class TestStorms:
    """A page far into a collection is asked for again; the first one, and what comes at once, is for the next try."""

    def storm(self, web_server: WebServer, *replies: Reply, page: str = "2") -> list[Any]:
        turn = in_turn(*replies, numbered_pages)
        web_server.add(
            "/v1/prices",
            lambda request: turn(request) if request.parameter("page") == page else numbered_pages(request),
        )
        self.clock = ManualClock()
        return rows_of(collect(http_source(web_server, pagination=PAGES, clock=self.clock, seconds=600)))

    def test_a_storm_of_429_passes(self, web_server: WebServer) -> None:
        assert self.storm(web_server, *[too_many_requests(retry_after_seconds=7)] * 3) == ROWS
        assert self.clock.slept == [7, 7, 7]

    def test_errors_of_the_server_pass(self, web_server: WebServer) -> None:
        assert self.storm(web_server, error_reply(500), error_reply(502), error_reply(503)) == ROWS
        assert self.clock.slept == [1, 2, 4]

    def test_a_page_cut_short_is_not_delivered_in_part(self, web_server: WebServer) -> None:
        whole = numbered_pages(Request(method="GET", path="/", query={"page": ["2"]}, headers={}, body=b""))
        assert isinstance(whole, Answer)
        assert self.storm(web_server, CutReply(whole, after_bytes=30), CutReply(whole, after_bytes=0)) == ROWS

    def test_a_storm_that_lasts_is_an_error(self, web_server: WebServer) -> None:
        with pytest.raises(RateLimited):
            self.storm(web_server, *[too_many_requests(retry_after_seconds=1)] * 4)

    def test_a_wait_that_is_too_long_is_left_to_the_next_try(self, web_server: WebServer) -> None:
        with pytest.raises(RateLimited) as raised:
            self.storm(web_server, too_many_requests(retry_after_seconds=90))
        assert raised.value.retry_after_seconds == 90
        assert self.clock.slept == []

    def test_what_no_patience_helps_with_fails_at_once(self, web_server: WebServer) -> None:
        with pytest.raises(PermanentError, match="answers 400"):
            self.storm(web_server, error_reply(400))
        assert self.clock.slept == []

    def test_the_first_page_is_left_to_the_next_try(self, web_server: WebServer) -> None:
        with pytest.raises(SourceUnavailable):
            self.storm(web_server, error_reply(500), page="1")
        assert self.clock.slept == []


class TestBodies:
    @pytest.mark.parametrize("pagination", ["none", "link"])
    def test_gzip_cut_short_is_an_error_though_its_length_is_right(
        self, web_server: WebServer, pagination: str
    ) -> None:
        headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
        web_server.add("/v1/prices", Answer(gzip.compress(CSV)[:-9], HTTPStatus.OK, headers))
        with pytest.raises(SourceUnavailable, match="ends too soon"):
            collect(http_source(web_server, pagination={"style": pagination}))

    def test_gzip_of_several_members_is_read_to_its_end(self, web_server: WebServer) -> None:
        packed = gzip.compress(CSV) + gzip.compress(b"101,1.00\n") + b"\0" * 20
        headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
        web_server.add("/v1/prices", Answer(packed, HTTPStatus.OK, headers))
        assert collect(http_source(web_server)) == [CSV + b"101,1.00\n"]

    @pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "compress"])
    @pytest.mark.parametrize("pagination", ["none", "link"])
    def test_an_encoding_that_nobody_asked_for_is_refused(
        self, web_server: WebServer, encoding: str, pagination: str
    ) -> None:
        web_server.add("/v1/prices", Answer(CSV, HTTPStatus.OK, {"Content-Encoding": encoding}))
        with pytest.raises(PermanentError, match="not asked for"):
            collect(http_source(web_server, pagination={"style": pagination}, etag=False))
        assert web_server.requests[-1].headers["accept-encoding"] == "gzip, deflate"

    @pytest.mark.parametrize("pagination", ["none", "link"])
    def test_more_bytes_than_stated_do_not_run_into_the_next_answer(
        self, web_server: WebServer, pagination: str
    ) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("p", "1"))
            body = json.dumps([number]).encode()
            links = {"Link": f'<?p={number + 1}>; rel="next"'} if number < 4 else {}
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **links}
            return Answer(body + b"HTTP/1.1 200 OK\r\n\r\n[666]", HTTPStatus.OK, headers)

        web_server.add("/v1/prices", pages)
        source = http_source(web_server, pagination={"style": pagination}, etag=False)
        assert [json.loads(page) for page in collect(source)] == (
            [[1]] if pagination == "none" else [[1], [2], [3], [4]]
        )

    def test_fewer_bytes_than_stated_are_an_error(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", CutReply(Answer(CSV, 200, {"Content-Length": "5000"}), after_bytes=len(CSV)))
        with pytest.raises(SourceUnavailable):
            collect(http_source(web_server, etag=False))

    def test_a_wrong_checksum_of_a_later_page_is_an_error_behind_the_first(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            wrong = {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="} if request.parameter("page") == "2" else {}
            return json_reply({"data": [request.parameter("page")], "pages": 3}, headers=wrong)

        web_server.add("/v1/prices", pages)
        source = http_source(web_server, pagination=PAGES)
        (item,) = source.discover(None)
        deliveries = source.open(item)
        assert json.loads(next(deliveries).stream.read())["data"] == ["1"]
        with pytest.raises(ChecksumMismatch, match="md5 the server states"):
            next(deliveries)

    def test_a_connection_that_dies_while_kept_alive_is_replaced(self, web_server: WebServer) -> None:
        turn = in_turn(numbered_pages, ResetConnection(), numbered_pages)
        web_server.add("/v1/prices", turn)
        source = http_source(web_server, pagination={"style": "page", "records": "data"}, clock=ManualClock())
        assert rows_of(collect(source)) == ROWS


class TestAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_this_machine_is_refused_unless_it_is_allowed(self, web_server: WebServer, host: str) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        source = at(web_server.url(), web_server.ca_path, host=host, protection={"allow_private_network": False})
        for use in (source.check, lambda: collect(source)):
            with pytest.raises(AddressRefused, match=r"no address of the public network.*allowPrivateNetwork"):
                use()
        assert web_server.requests == []
        assert web_server.connection_count == 0

    @pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f000001"])
    def test_other_spellings_of_this_machine_are_refused_too(self, web_server: WebServer, host: str) -> None:
        source = at(web_server.url(), web_server.ca_path, host=host, protection={"allow_private_network": False})
        with pytest.raises(ConfigError):
            source.check()
        assert web_server.connection_count == 0

    @pytest.mark.parametrize(
        "location", ["https://127.0.0.1:1/x", "https://10.0.0.1/x", "http://169.254.169.254/latest", "//localhost/x"]
    )
    def test_a_redirect_to_a_private_address_is_refused(self, web_server: WebServer, location: str) -> None:
        web_server.add("/v1/prices", Answer(b"", 302, {"Location": location}))
        with pytest.raises(PermanentError, match="leads to another server"):
            http_source(web_server).check()

    def test_a_redirect_without_tls_is_refused(self, web_server: WebServer) -> None:
        place = f"http://127.0.0.1:{web_server.port}/v1/prices"
        web_server.add("/v1/prices", Answer(b"", 302, {"Location": place}))
        with pytest.raises(PermanentError, match="leads to another server"):
            http_source(web_server).check()

    def test_plain_http_is_refused_unless_it_is_allowed(self, plain_web_server: WebServer) -> None:
        plain_web_server.add("/v1/prices", json_reply(ROWS))
        with pytest.raises(ConfigError, match=r"would travel without TLS.*allowPlaintext"):
            at(plain_web_server.url(), "none")
        spec = connection("finport_http", host=plain_web_server.url())
        options = HttpSource.Options.model_validate({"protocol": "http", "path": "/v1/prices"})
        source = HttpSource(options, access(spec, protection={"allow_plaintext": True}))
        assert source.check() == "prices: 127.0.0.1 answers 200 without TLS."

    def test_no_key_of_a_connection_turns_verification_off(self, web_server: WebServer) -> None:
        for key, value in (("verify", False), ("verify_ssl", False), ("insecure", True), ("ssl", False)):
            spec = connection("finport_http", host=web_server.url(), extra={key: value})
            source = HttpSource(HttpSource.Options.model_validate({"protocol": "http"}), access(spec))
            with pytest.raises(ConfigError, match="certificate is not trusted"):
                source.check()


def test_a_name_that_is_not_found_can_be_tried_again(web_server: WebServer) -> None:
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="is not found"):
        at("https://no-such-host.invalid", web_server.ca_path).check()
    assert time.monotonic() - began < 60


def test_an_answer_that_is_no_http_can_be_tried_again(web_servers: WebServers, web_server: WebServer) -> None:
    class Greeting:
        def send(self, exchange: Any) -> None:
            exchange.wfile.write(b"220 ftp.example.com ready\r\n")
            exchange.cut()

    web_server.add("/v1/prices", Greeting())
    with pytest.raises(SourceUnavailable, match="no HTTP that can be understood"):
        http_source(web_server).check()

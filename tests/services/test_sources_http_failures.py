"""The HTTP source where a web server or the way to it fails: the kind of error, and the remedy it names."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import ManualClock, access, connection
from tests.services.process import free_port
from tests.services.test_sources_http import CSV, ROWS, collect, http_source
from tests.services.web import WebServer, WebServers
from tests.services.web_replies import (
    Answer,
    Hang,
    ResetConnection,
    SlowReply,
    error_reply,
    html_page,
    json_reply,
)


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "error", "remedy"),
        [
            (400, PermanentError, "check path, query and headers"),
            (401, AccessDenied, "credentials of connection 'planted'"),
            (403, AccessDenied, "entitle"),
            (404, SourceItemMissing, "check the source's path"),
            (410, SourceItemMissing, "check the source's path"),
            (408, SourceUnavailable, "try later"),
            (500, SourceUnavailable, "try later"),
            (503, SourceUnavailable, "try later"),
        ],
    )
    def test_a_status_is_an_error_with_its_remedy(
        self, web_server: WebServer, status: int, error: type[FinportError], remedy: str
    ) -> None:
        web_server.add("/v1/prices", error_reply(status))
        source = http_source(web_server, query={"key": "visible"}, etag=False)
        for ask in (lambda: collect(source), source.check):
            with pytest.raises(error) as raised:
                ask()
            text = str(raised.value)
            assert type(raised.value) is error
            assert f"/v1/prices at 127.0.0.1:{web_server.port} answers {status}" in text
            assert text.startswith("prices: ")
            assert remedy in text
            assert "visible" not in text

    def test_retry_after_is_told_in_seconds(self, web_server: WebServer) -> None:
        clock = ManualClock()
        later = clock.now() + timedelta(seconds=90)
        for header, seconds in (("7", 7), (format_datetime(later, usegmt=True), 90), ("soon", None), ("0", 0)):
            web_server.add("/v1/prices", error_reply(429, headers={"Retry-After": header}))
            with pytest.raises(RateLimited) as raised:
                collect(http_source(web_server, clock=clock))
            assert raised.value.retry_after_seconds == seconds

    @pytest.mark.parametrize("pagination", ["none", "page"])
    def test_a_page_for_people_is_named_by_its_title(self, web_server: WebServer, pagination: str) -> None:
        web_server.add("/v1/prices", html_page())
        with pytest.raises(FormatError, match=r"answers with an HTML page \('Maintenance'\) instead of data"):
            collect(http_source(web_server, pagination={"style": pagination}))

    def test_a_server_that_hangs_is_given_up(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", Hang())
        with pytest.raises(SourceUnavailable, match=r"no answer in time \(read timeout\)"):
            collect(http_source(web_server, request_timeout_seconds=0.2))

    def test_a_body_that_drips_is_given_up_at_the_deadline(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", SlowReply(Answer(CSV), pause_seconds=0.05))
        with pytest.raises(DeadlineExceeded):
            collect(http_source(web_server, etag=False, seconds=0.5))

    def test_no_request_is_sent_after_the_deadline(self, web_server: WebServer) -> None:
        clock = ManualClock()
        source = http_source(web_server, clock=clock, seconds=10)
        clock.sleep(11)
        with pytest.raises(DeadlineExceeded):
            source.check()
        assert web_server.requests == []

    def test_a_reset_connection_can_be_tried_again(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", ResetConnection())
        with pytest.raises(SourceUnavailable, match="the connection fails"):
            collect(http_source(web_server))

    def test_a_port_where_nobody_listens_can_be_tried_again(self, web_server: WebServer) -> None:
        source = self.at(web_server, f"https://127.0.0.1:{free_port()}")
        with pytest.raises(SourceUnavailable, match=r"the connection fails \(Connection refused\)"):
            source.check()

    def test_an_unknown_host_can_be_tried_again(self, web_server: WebServer) -> None:
        with pytest.raises(SourceUnavailable, match=r"host name 'no-such-host\.invalid' is not found"):
            self.at(web_server, "https://no-such-host.invalid").check()

    def test_a_certificate_of_another_authority_is_refused_with_the_remedy(self, web_server: WebServer) -> None:
        spec = connection("finport_http", host=web_server.url())
        source = HttpSource(HttpSource.Options.model_validate({"protocol": "http"}), access(spec))
        with pytest.raises(ConfigError, match=r"certificate is not trusted .*'ca_file'"):
            source.check()
        assert web_server.requests == []

    def test_an_old_tls_is_refused_unless_the_policy_accepts_it(self, web_servers: WebServers) -> None:
        import ssl

        with web_servers.serve(minimum=ssl.TLSVersion.TLSv1_2) as server:
            server._server.context.maximum_version = ssl.TLSVersion.TLSv1_2  # type: ignore[union-attr]
            server.add("/v1/prices", json_reply(ROWS))
            with pytest.raises(ConfigError, match=r"no TLS version that is accepted .*minTls"):
                http_source(server).check()
            spec = connection("finport_http", host=server.url(), extra={"ca_file": str(server.ca_path)})
            options = HttpSource.Options.model_validate({"protocol": "http", "path": "/v1/prices"})
            assert "answers 200" in HttpSource(options, access(spec, protection={"min_tls": "1.2"})).check()

    def test_https_to_a_port_without_tls_is_named(self, plain_web_server: WebServer) -> None:
        with pytest.raises(ConfigError, match="speaks no TLS on this port"):
            self.at(plain_web_server, f"https://127.0.0.1:{plain_web_server.port}").check()

    def test_a_ca_file_that_is_not_there_is_named(self, web_server: WebServer) -> None:
        source = http_source(web_server, extra={"ca_file": "/nowhere/ca.pem"})
        with pytest.raises(ConfigError, match=r"ca_file /nowhere/ca\.pem cannot be used"):
            source.check()

    def test_a_redirect_on_the_same_server_is_followed(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", Answer(b"", 308, {"Location": "/v2/prices?a=1"}))
        web_server.add("/v2/prices", json_reply(ROWS))
        assert json.loads(collect(http_source(web_server))[0]) == ROWS

    def test_a_redirect_to_another_server_is_refused(self, web_server: WebServer, web_servers: WebServers) -> None:
        with web_servers.serve() as other:
            web_server.add("/v1/prices", Answer(b"", 302, {"Location": other.url("/login")}))
            with pytest.raises(PermanentError, match=r"leads to another server.*connection's host"):
                http_source(web_server, headers={"X-Api-Key": "k"}).check()
            assert other.requests == []

    def test_redirects_in_a_circle_end(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", Answer(b"", 302, {"Location": "/v1/prices"}))
        with pytest.raises(PermanentError, match="leads on and on"):
            http_source(web_server).check()

    def test_proxies_of_the_environment_are_not_used(
        self, web_server: WebServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        web_server.add("/v1/prices", json_reply(ROWS))
        assert "answers 200" in http_source(web_server).check()

    def test_the_proxy_of_the_connection_is_used(self, web_server: WebServer) -> None:
        source = http_source(web_server, extra={"proxy": f"http://127.0.0.1:{free_port()}"})
        with pytest.raises(SourceUnavailable):
            source.check()

    def at(self, server: WebServer, url: str) -> HttpSource:
        spec = connection("finport_http", host=url, extra={"ca_file": str(server.ca_path)})
        return HttpSource(HttpSource.Options.model_validate({"protocol": "http"}), access(spec))

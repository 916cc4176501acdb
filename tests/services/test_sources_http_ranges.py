"""Files that the HTTP source gives in ranges: only where it is sure that all of them are of one version."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.errors import SourceItemChanged, SourceItemMissing, SourceUnavailable
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.http_api import HttpSource
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import access, connection
from tests.services.nginx_server import NginxServer, NginxServers
from tests.services.test_sources_http import CSV, http_source, only_item
from tests.services.web import WebServer
from tests.services.web_files import WebFile
from tests.services.web_replies import Answer, CutReply, Reply, Request, error_reply

SPAN = Span(10, 30)


def read(source: HttpSource, item: SourceItem, span: Span) -> bytes:
    (content,) = [delivery.stream.read() for delivery in source.open(item, span)]
    return content


def at_nginx(server: NginxServer, path: str, **limits: Any) -> HttpSource:
    spec = connection("finport_http", host=server.url(), extra={"ca_file": str(server.ca_path)})
    return HttpSource(HttpSource.Options.model_validate({"protocol": "http", "path": path}), access(spec, **limits))


def test_nginx_gives_a_file_in_ranges_side_by_side(nginx_servers: NginxServers) -> None:
    content = bytes(range(256)) * 4096
    with nginx_servers.serve("location / { root $files; }") as server:
        (server.files / "prices.csv").write_bytes(content)
        source = at_nginx(server, "/prices.csv")
        item = only_item(source)
        assert item.ranges == 10
        assert item.size_bytes == len(content)
        spans = [Span(start, min(start + 100_000, len(content))) for start in range(0, len(content), 100_000)]
        parts: dict[int, bytes] = {}

        def fetch(span: Span) -> None:
            parts[span.start] = read(source, item, span)

        threads = [threading.Thread(target=fetch, args=(span,)) for span in spans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert b"".join(parts[start] for start in sorted(parts)) == content
        assert read(source, item, Span(len(content) - 7)) == content[-7:]


def test_a_file_replaced_between_two_ranges_is_noticed(nginx_servers: NginxServers) -> None:
    with nginx_servers.serve("location / { root $files; }") as server:
        file: Path = server.files / "prices.csv"
        file.write_bytes(CSV)
        source = at_nginx(server, "/prices.csv")
        item = only_item(source)
        assert read(source, item, SPAN) == CSV[10:30]
        file.write_bytes(CSV.replace(b"553.82", b"553.8300"))
        with pytest.raises(SourceItemChanged, match="bytes 30 to 59 of the version that was listed"):
            read(source, item, Span(30, 60))
        file.unlink()
        with pytest.raises(SourceItemMissing):
            read(source, item, Span(30, 60))


def test_what_is_compressed_on_the_fly_comes_whole(nginx_servers: NginxServers) -> None:
    gzip = "gzip on; gzip_types text/csv; gzip_min_length 1; location / { root $files; }"
    with nginx_servers.serve(gzip) as server:
        (server.files / "prices.csv").write_bytes(CSV)
        source = at_nginx(server, "/prices.csv")
        item = only_item(source)
        assert item.ranges == 0
        assert [delivery.stream.read() for delivery in source.open(item)] == [CSV]


class TestWhatIsStated:
    def test_a_span_states_its_size_and_asks_for_its_version(self, web_server: WebServer) -> None:
        file = WebFile(CSV, content_type="text/csv")
        web_server.add("/v1/prices", file)
        source = http_source(web_server, connections=4)
        item = only_item(source)
        assert item.ranges == 4
        deliveries: Any = source.open(item, SPAN)
        delivery = next(deliveries)
        assert (delivery.size_bytes, delivery.suffix, delivery.stream.read()) == (20, ".csv", CSV[10:30])
        headers = web_server.requests[-1].headers
        assert (headers["range"], headers["if-range"]) == ("bytes=10-29", file.etag)
        assert headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize(
        "without",
        [
            {"Accept-Ranges": "none"},
            {"Accept-Ranges": ""},
            {"ETag": 'W/"weak"'},
            {"ETag": ""},
            {"Content-Encoding": "gzip"},
            {"Content-Length": "0"},
        ],
    )
    def test_what_is_not_sure_comes_whole(self, web_server: WebServer, without: dict[str, str]) -> None:
        headers = {"Accept-Ranges": "bytes", "ETag": '"one"', "Content-Length": str(len(CSV)), **without}
        stated = {name: value for name, value in headers.items() if value}
        web_server.add("/v1/prices", Answer(b"", 200, stated))
        assert only_item(http_source(web_server)).ranges == 0

    def test_pages_have_no_ranges(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", WebFile(CSV, content_type="text/csv"))
        assert only_item(http_source(web_server, pagination={"style": "page"}, etag=True)).ranges == 0


class TestServersThatErr:
    """They listed one thing, and now give another."""

    def given(self, web_server: WebServer, reply: Reply) -> bytes:
        file = WebFile(CSV, content_type="text/csv")
        web_server.add("/v1/prices", lambda request: file(request) if request.method == "HEAD" else reply)
        source = http_source(web_server)
        item = only_item(source)
        self.etag = item.etag or ""
        return read(source, item, SPAN)

    def part(self, file: WebFile, **headers: str) -> Answer:
        stated = {"ETag": file.etag, "Content_Range": f"bytes 10-29/{len(CSV)}", **headers}
        return Answer(CSV[10:30], 206, {name.replace("_", "-"): value for name, value in stated.items() if value})

    def test_the_whole_is_not_taken_for_a_part(self, web_server: WebServer) -> None:
        with pytest.raises(SourceItemChanged):
            self.given(
                web_server, WebFile(CSV, ranges=False)(Request(method="GET", path="/", query={}, headers={}, body=b""))
            )

    @pytest.mark.parametrize(
        "headers",
        [
            {"ETag": '"another"'},
            {"ETag": ""},
            {"Content_Range": f"bytes 10-28/{len(CSV)}"},
            {"Content_Range": f"bytes 9-29/{len(CSV)}"},
            {"Content_Range": "bytes 10-29/*"},
            {"Content_Range": f"bytes 10-29/{len(CSV) + 1}"},
            {"Content_Range": ""},
            {"Content_Type": "multipart/byteranges; boundary=x", "Content_Range": ""},
            {"Content_Encoding": "gzip"},
        ],
    )
    def test_another_part_or_another_version_is_refused(self, web_server: WebServer, headers: dict[str, str]) -> None:
        file = WebFile(CSV)
        with pytest.raises(SourceItemChanged):
            self.given(web_server, self.part(file, **headers))

    def test_the_very_part_is_taken(self, web_server: WebServer) -> None:
        assert self.given(web_server, self.part(WebFile(CSV))) == CSV[10:30]

    def test_a_part_cut_short_can_be_tried_again(self, web_server: WebServer) -> None:
        with pytest.raises(SourceUnavailable):
            self.given(web_server, CutReply(self.part(WebFile(CSV)), after_bytes=7))

    def test_a_file_that_became_shorter_has_changed(self, web_server: WebServer) -> None:
        with pytest.raises(SourceItemChanged):
            self.given(web_server, error_reply(416))

    def test_a_busy_server_is_busy(self, web_server: WebServer) -> None:
        with pytest.raises(SourceUnavailable, match="answers 503"):
            self.given(web_server, error_reply(503))

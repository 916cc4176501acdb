"""The HTTP source against a real web server: pages, increments, integrity, and every way to fail."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    ChecksumMismatch,
    ConfigError,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceItemChanged,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import ManualClock, access, connection
from tests.services.web import WebServer, WebServers
from tests.services.web_files import WebFile
from tests.services.web_replies import (
    Answer,
    CutReply,
    Reply,
    Request,
    SlowReply,
    error_reply,
    json_reply,
    text_reply,
)

LIMITS = ("cursor", "start", "seconds", "rate", "clock", "request_timeout_seconds", "connections", "protection")
ROWS: list[dict[str, Any]] = [{"id": number, "close": "553.82"} for number in range(1, 26)]
CSV = b"id,close\n" + b"".join(b"%d,553.82\n" % number for number in range(100))


def http_source(server: WebServer, *, extra: dict[str, Any] | None = None, **options: Any) -> HttpSource:
    limits = {name: options.pop(name) for name in LIMITS if name in options}
    spec = connection("finport_http", host=server.url(), extra={"ca_file": str(server.ca_path), **(extra or {})})
    stated = HttpSource.Options.model_validate({"protocol": "http", "path": "/v1/prices", **options})
    return HttpSource(stated, access(spec, **limits))


def collect(source: HttpSource, after: Watermark | None = None) -> list[bytes]:
    return [delivery.stream.read() for item in source.discover(after) for delivery in source.open(item)]


def only_item(source: HttpSource, after: Watermark | None = None) -> SourceItem:
    (item,) = source.discover(after)
    return item


def rows_of(pages: list[bytes], key: str = "data") -> list[Any]:
    return [row for page in pages for row in json.loads(page)[key]]


def numbered_pages(request: Request) -> Reply:
    """`?page=1`, ten rows a page, with the number of pages."""
    page = int(request.parameter("page", "1"))
    return json_reply({"data": ROWS[(page - 1) * 10 : page * 10], "page": page, "pages": 3})


class TestPages:
    def test_a_collection_that_comes_at_once_is_one_delivery(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", WebFile(CSV, content_type="text/csv; charset=utf-8"))
        source = http_source(web_server, query={"symbol": "A&B"}, headers={"X-Client": "finport"})
        (delivery,) = source.open(only_item(source))
        assert (delivery.media_type, delivery.suffix, delivery.size_bytes) == ("text/csv", ".csv", len(CSV))
        request = web_server.requests[-1]
        assert request.query == {"symbol": ["A&B"]}
        assert request.headers["x-client"] == "finport"
        assert request.headers["user-agent"].startswith("finport-ingestion/")

    def test_pages_by_number_end_with_the_number_of_pages(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered_pages)
        source = http_source(web_server, pagination={"style": "page", "totalPages": "pages"})
        assert rows_of(collect(source)) == ROWS
        assert [request.parameter("page") for request in web_server.requests] == ["1", "2", "3"]

    def test_pages_by_number_end_with_an_empty_page(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered_pages)
        pages = collect(http_source(web_server, pagination={"style": "page", "records": "data"}))
        assert len(pages) == 3
        assert rows_of(pages) == ROWS

    def test_pages_may_begin_at_zero(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("n"))
            return json_reply({"rows": ROWS[number * 10 : number * 10 + 10], "meta": {"pages": "3"}})

        web_server.add("/v1/prices", pages)
        style = {"style": "page", "parameter": "n", "first": 0, "totalPages": "meta.pages"}
        assert rows_of(collect(http_source(web_server, pagination=style)), "rows") == ROWS

    def test_offsets_follow_what_came_and_not_what_was_asked_for(self, web_server: WebServer) -> None:
        def capped(request: Request) -> Reply:
            offset, limit = int(request.parameter("offset")), min(7, int(request.parameter("limit")))
            return json_reply(ROWS[offset : offset + limit])

        web_server.add("/v1/prices", capped)
        pages = collect(http_source(web_server, pagination={"style": "offset", "limit": 10}))
        assert [row for page in pages for row in json.loads(page)] == ROWS

    def test_offsets_end_at_the_total(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            offset = int(request.parameter("start"))
            return json_reply({"data": ROWS[offset : offset + 5], "total": 25})

        web_server.add("/v1/prices", pages)
        style = {"style": "offset", "parameter": "start", "limit": 5, "records": "data", "total": "total"}
        assert rows_of(collect(http_source(web_server, pagination=style))) == ROWS
        assert len(web_server.requests) == 5

    def test_a_cursor_is_followed_to_its_end(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            start = int(request.parameter("after", "0"))
            return json_reply({"data": ROWS[start : start + 10], "next": start + 10 if start < 20 else None})

        web_server.add("/v1/prices", pages)
        style = {"style": "cursor", "parameter": "after", "next": "next"}
        assert rows_of(collect(http_source(web_server, query={"size": "10"}, pagination=style))) == ROWS
        assert {request.parameter("size") for request in web_server.requests} == {"10"}

    def test_the_link_header_is_followed_also_for_csv(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("p", "1"))
            links = {"Link": f'<?p={number + 1}>; rel="next", </v1/prices>; rel="first"'} if number < 3 else {}
            return Answer(b"id\n%d\n" % number, HTTPStatus.OK, {"Content-Type": "text/csv", **links})

        web_server.add("/v1/prices", pages)
        assert collect(http_source(web_server, pagination={"style": "link"})) == [b"id\n1\n", b"id\n2\n", b"id\n3\n"]

    def test_csv_pages_end_with_a_header_alone(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("page"))
            return text_reply("id\n" + (f"{number}\n" if number < 3 else ""), content_type="text/csv")

        web_server.add("/v1/prices", pages)
        assert collect(http_source(web_server, pagination={"style": "page"})) == [b"id\n1\n", b"id\n2\n", b"id\n"]

    @pytest.mark.parametrize("empty", [json_reply({"data": []}), Answer(b"", HTTPStatus.NO_CONTENT)])
    def test_an_empty_collection_is_one_page(self, web_server: WebServer, empty: Answer) -> None:
        web_server.add("/v1/prices", empty)
        assert len(collect(http_source(web_server, pagination={"style": "page", "records": "data"}))) == 1

    def test_a_server_that_repeats_its_page_is_noticed(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": ROWS}))
        with pytest.raises(PermanentError, match="page 2 is the same as the one before it"):
            collect(http_source(web_server, pagination={"style": "page", "records": "data"}))

    def test_a_circle_of_links_is_noticed(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("p", "0"))
            return json_reply(
                [number, len(web_server.requests)], headers={"Link": f"<?p={(number + 1) % 3}>; rel=next"}
            )

        web_server.add("/v1/prices", pages)
        with pytest.raises(PermanentError, match="lead in a circle"):
            collect(http_source(web_server, pagination={"style": "link"}))

    def test_more_pages_than_allowed_are_an_error(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", lambda request: json_reply([request.parameter("page")]))
        with pytest.raises(PermanentError, match="more than 4 pages"):
            collect(http_source(web_server, pagination={"style": "page", "maxPages": 4}))
        assert len(web_server.requests) == 4

    def test_a_next_page_on_another_server_is_refused(self, web_server: WebServer, web_servers: WebServers) -> None:
        with web_servers.serve() as other:
            link = {"Link": f'<{other.url("/v1/prices?page=2")}>; rel="next"'}
            web_server.add("/v1/prices", json_reply([1], headers=link))
            with pytest.raises(PermanentError, match="another server"):
                collect(http_source(web_server, pagination={"style": "link"}))
            assert other.requests == []

    def test_pages_that_cannot_be_counted_name_the_key_that_is_missing(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": ROWS}))
        with pytest.raises(FormatError, match=r"no list of records .* state 'records'"):
            collect(http_source(web_server, pagination={"style": "offset"}))

    def test_pages_that_are_no_json_are_named(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", Answer(b'{"data": [', HTTPStatus.OK, {"Content-Type": "application/json"}))
        with pytest.raises(FormatError, match="answers no JSON") as raised:
            collect(http_source(web_server, pagination={"style": "page", "records": "data"}))
        assert raised.value.offset_bytes == 10

    def test_the_pages_of_one_run_share_a_connection(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered_pages)
        collect(http_source(web_server, pagination={"style": "page", "records": "data"}))
        assert web_server.connection_count == 1

    def test_the_rate_is_kept(self, web_server: WebServer) -> None:
        clock = ManualClock()
        web_server.add("/v1/prices", numbered_pages)
        style = {"style": "page", "totalPages": "pages"}
        collect(http_source(web_server, pagination=style, rate=(1, 2), clock=clock))
        assert clock.slept == [2, 2]


class TestIncrements:
    def options(self) -> dict[str, Any]:
        return {"sinceParameter": "since", "cursor": "date"}

    def test_the_first_run_takes_all(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        source = http_source(web_server, **self.options())
        item = only_item(source)
        assert item.id == "/v1/prices"
        assert source.replaces(None) is Replaces.SOURCE
        list(source.open(item))
        assert web_server.requests[-1].query == {}

    def test_a_later_run_asks_from_the_watermark_on(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        source = http_source(web_server, **self.options())
        mark = Watermark(field="date", value="2024-01-02", type="date")
        item = only_item(source, mark)
        assert item.id == "/v1/prices?since=2024-01-02"
        assert source.replaces(mark) is Replaces.NOTHING
        # Another process opens what this one listed: all it needs stands in the item.
        again = http_source(web_server, **self.options())
        list(again.open(item))
        assert web_server.requests[-1].query == {"since": ["2024-01-02"]}

    def test_the_first_run_may_begin_at_a_stated_value(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply(ROWS))
        source = http_source(web_server, start="2013-01-01", **self.options())
        list(source.open(only_item(source)))
        assert web_server.requests[-1].parameter("since") == "2013-01-01"

    def test_an_increment_that_no_parameter_can_ask_for_is_a_mistake(self, web_server: WebServer) -> None:
        with pytest.raises(ConfigError, match="sinceParameter"):
            http_source(web_server, cursor="date")

    def test_a_watermark_of_another_field_is_not_used(self, web_server: WebServer) -> None:
        source = http_source(web_server, **self.options())
        with pytest.raises(ConfigError, match=r"'id'.*'date'.*finport reset"):
            only_item(source, Watermark(field="id", value="7", type="integer"))


class TestFacts:
    def test_head_gives_the_facts_without_the_body(self, web_server: WebServer) -> None:
        file = WebFile(CSV, content_type="text/csv")
        web_server.add("/v1/prices", file)
        item = only_item(http_source(web_server))
        assert (item.etag, item.size_bytes, item.modified_at) == (file.etag, len(CSV), file.modified_at)
        assert [request.method for request in web_server.requests] == ["HEAD"]

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
    def test_a_server_without_head_is_fine(self, web_server: WebServer, status: int) -> None:
        def no_head(request: Request) -> Reply:
            return error_reply(status) if request.method == "HEAD" else json_reply(ROWS)

        web_server.add("/v1/prices", no_head)
        source = http_source(web_server)
        item = only_item(source)
        assert item == SourceItem(id="/v1/prices")
        assert json.loads(collect(source)[0]) == ROWS
        assert "answers 200 over TLS" in source.check()

    @pytest.mark.parametrize(("status", "error"), [(401, AccessDenied), (429, RateLimited), (503, SourceUnavailable)])
    def test_a_server_that_cannot_serve_says_so_to_head_too(
        self, web_server: WebServer, status: int, error: type[FinportError]
    ) -> None:
        web_server.add("/v1/prices", error_reply(status))
        with pytest.raises(error):
            only_item(http_source(web_server))

    def test_pages_have_no_facts_unless_the_document_says_that_the_etag_is_for_all(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", WebFile(json.dumps(ROWS).encode(), content_type="application/json"))
        pages = {"style": "page"}
        assert only_item(http_source(web_server, pagination=pages)) == SourceItem(id="/v1/prices")
        item = only_item(http_source(web_server, pagination=pages, etag=True))
        assert item.etag
        assert (item.size_bytes, item.modified_at) == (None, None)

    def test_a_collection_that_changed_since_the_listing_is_noticed(self, web_server: WebServer) -> None:
        file = WebFile(CSV, content_type="text/csv")
        web_server.add("/v1/prices", file)
        source = http_source(web_server)
        item = only_item(source)
        file.replace(CSV.replace(b"553.82", b"553.83"), modified_at=file.modified_at)
        with pytest.raises(SourceItemChanged, match=r"prices: GET /v1/prices at 127\.0\.0\.1:.*: ETag is not any more"):
            list(source.open(item))

    def test_a_length_of_nothing_for_head_is_no_fact(self, web_server: WebServer) -> None:
        def lengthless(request: Request) -> Reply:
            return Answer(b"" if request.method == "HEAD" else CSV, HTTPStatus.OK, {"Content-Type": "text/csv"})

        web_server.add("/v1/prices", lengthless)
        assert collect(http_source(web_server)) == [CSV]

    def test_the_same_etag_outweighs_another_time(self, web_server: WebServer) -> None:
        def restless(request: Request) -> Reply:
            moment = datetime(2024, 1, 2, tzinfo=UTC) + timedelta(seconds=len(web_server.requests))
            headers = {"ETag": '"one"', "Last-Modified": format_datetime(moment, usegmt=True)}
            return json_reply(ROWS, headers=headers)

        web_server.add("/v1/prices", restless)
        assert json.loads(collect(http_source(web_server))[0]) == ROWS

    def test_pages_that_change_on_the_way_are_noticed(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("page"))
            return json_reply([number], headers={"ETag": '"one"' if number < 3 else 'W/"two"'})

        web_server.add("/v1/prices", pages)
        source = http_source(web_server, pagination={"style": "page"}, etag=True)
        with pytest.raises(SourceItemChanged):
            collect(source)


class TestIntegrity:
    def test_gzip_is_unpacked(self, web_server: WebServer) -> None:
        packed = Answer(gzip.compress(CSV), HTTPStatus.OK, {"Content-Type": "text/csv", "Content-Encoding": "gzip"})
        web_server.add("/v1/prices", packed)
        source = http_source(web_server)
        deliveries = [(delivery, delivery.stream.read()) for delivery in source.open(only_item(source))]
        assert [(delivery.size_bytes, content) for delivery, content in deliveries] == [(None, CSV)]

    def test_bytes_that_only_claim_to_be_gzip_are_no_data(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", Answer(CSV, HTTPStatus.OK, {"Content-Encoding": "gzip"}))
        with pytest.raises(SourceUnavailable, match="not compressed as its headers say"):
            collect(http_source(web_server))

    @pytest.mark.parametrize(
        ("header", "algorithm", "form"),
        [
            ("Repr-Digest", "sha256", "sha-256=:{}:"),
            ("Content-Digest", "sha512", "sha-512=:{}:"),
            ("Digest", "sha256", "crc32c=AAAAAA==,SHA-256={}"),
            ("Content-MD5", "md5", "{}"),
        ],
    )
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("pagination", ["none", "link"])
    def test_a_stated_digest_is_compared(
        self, web_server: WebServer, header: str, algorithm: str, form: str, packed: bool, pagination: str
    ) -> None:
        body = gzip.compress(CSV) if packed else CSV
        right = form.format(base64.b64encode(hashlib.new(algorithm, body).digest()).decode())
        wrong = form.format(base64.b64encode(hashlib.new(algorithm, b"other").digest()).decode())
        encoding = {"Content-Encoding": "gzip"} if packed else {}
        for stated in (right, wrong):
            web_server.add(
                "/v1/prices", Answer(body, HTTPStatus.OK, {header: stated, "Content-Type": "text/csv", **encoding})
            )
            source = http_source(web_server, pagination={"style": pagination})
            if stated == right:
                assert collect(source) == [CSV]
            else:
                with pytest.raises(ChecksumMismatch, match=f"{algorithm} the server states"):
                    collect(source)

    def test_a_stated_digest_goes_along_with_the_delivery(self, web_server: WebServer) -> None:
        digest = hashlib.sha256(CSV)
        header = {"Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"}
        web_server.add("/v1/prices", Answer(CSV, HTTPStatus.OK, header))
        source = http_source(web_server)
        (delivery,) = source.open(only_item(source))
        assert delivery.checksum == f"sha256:{digest.hexdigest()}"

    @pytest.mark.parametrize("pagination", ["none", "link"])
    def test_a_body_cut_short_is_not_taken_for_whole(self, web_server: WebServer, pagination: str) -> None:
        web_server.add("/v1/prices", CutReply(Answer(CSV), after_bytes=len(CSV) // 2))
        with pytest.raises(SourceUnavailable, match=r"prices: GET /v1/prices at 127\.0\.0\.1"):
            collect(http_source(web_server, pagination={"style": pagination}))

    def test_a_large_body_is_not_held_in_memory(self, web_server: WebServer) -> None:
        slow = SlowReply(Answer(CSV), pause_seconds=0.01, chunk_bytes=100)
        web_server.add("/v1/prices", slow)
        source = http_source(web_server, etag=False)
        deliveries: Any = source.open(only_item(source))
        stream = next(deliveries).stream
        assert stream.read(9) == b"id,close\n"
        deliveries.close()
        assert stream.closed


def test_queries_do_not_reach_the_log(web_server: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    web_server.add("/v1/prices", json_reply(ROWS))
    with caplog.at_level(logging.DEBUG):
        collect(http_source(web_server, query={"key": "Pl4nted"}))
    assert "/v1/prices" in caplog.text
    assert "Pl4nted" not in caplog.text


def test_an_address_is_found_as_airflow_writes_it(plain_web_server: WebServer) -> None:
    plain_web_server.add("/api/v1/prices", json_reply(ROWS))
    port = plain_web_server.port
    for fields in (
        {"host": f"http://127.0.0.1:{port}/api/"},
        {"host": "http://127.0.0.1/api", "port": port},
        {"host": "127.0.0.1/api", "schema": "http", "port": port},
    ):
        options = HttpSource.Options.model_validate({"protocol": "http", "path": "v1/prices"})
        source = HttpSource(options, access(connection("http", **fields), protection={"allow_plaintext": True}))
        assert source.check() == "prices: 127.0.0.1 answers 200 without TLS."

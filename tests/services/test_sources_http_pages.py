"""How the HTTP source comes from page to page: every style, side by side where it is known how many, and its guards."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from finport_ingestion.engine.errors import ConfigError, FormatError, PermanentError, SourceItemChanged
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import ManualClock
from tests.services.test_sources_http import ROWS, collect, http_source, only_item, rows_of
from tests.services.web import WebServer, WebServers
from tests.services.web_replies import Answer, Reply, Request, error_reply, json_reply, text_reply


class Meeting:
    """A route whose answers wait until so many requests are there at once; tells how many there were at most."""

    def __init__(self, count: int, route: Callable[[Request], Reply]) -> None:
        self._count = count
        self._route = route
        self._lock = threading.Condition()
        self._here = 0
        self.most = 0

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.most >= self._count, timeout=5)
        try:
            return self._route(request)
        finally:
            with self._lock:
                self._here -= 1


def numbered(count: int) -> Callable[[Request], Reply]:
    def pages(request: Request) -> Reply:
        page = int(request.parameter("page", "1"))
        return json_reply({"data": [{"id": page}], "pages": count})

    return pages


def ids(pages: list[bytes]) -> list[Any]:
    return [row["id"] for row in rows_of(pages)]


class TestSideBySide:
    STYLE: ClassVar[dict[str, Any]] = {"style": "page", "totalPages": "pages"}

    def test_pages_of_a_known_number_are_fetched_at_once_and_delivered_in_order(self, web_server: WebServer) -> None:
        first = json_reply({"data": [{"id": 1}], "pages": 9})
        meeting = Meeting(4, numbered(9))
        web_server.add("/v1/prices", lambda request: first if request.parameter("page") == "1" else meeting(request))
        assert ids(collect(http_source(web_server, pagination=self.STYLE, connections=4))) == list(range(1, 10))
        assert meeting.most == 4
        assert web_server.connection_count <= 4

    def test_a_page_that_comes_late_keeps_its_place(self, web_server: WebServer) -> None:
        others = threading.Semaphore(0)

        def pages(request: Request) -> Reply:
            number = int(request.parameter("page"))
            if number == 2:
                for _ in range(3):
                    others.acquire(timeout=5)
            elif number > 2:
                others.release()
            return numbered(6)(request)

        web_server.add("/v1/prices", pages)
        assert ids(collect(http_source(web_server, pagination=self.STYLE, connections=5))) == [1, 2, 3, 4, 5, 6]

    def test_each_page_is_asked_for_once(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered(40))
        assert len(collect(http_source(web_server, pagination=self.STYLE, connections=7))) == 40
        assert sorted(int(request.parameter("page")) for request in web_server.requests) == list(range(1, 41))

    def test_who_stops_leaves_the_rest_unasked(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered(500))
        source = http_source(web_server, pagination=self.STYLE, connections=2)
        deliveries: Any = source.open(only_item(source))
        next(deliveries)
        deliveries.close()
        assert len(web_server.requests) < 50

    def test_a_page_that_fails_comes_behind_those_before_it(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            return error_reply(400) if request.parameter("page") == "4" else numbered(9)(request)

        web_server.add("/v1/prices", pages)
        source = http_source(web_server, pagination=self.STYLE)
        deliveries = source.open(only_item(source))
        assert [json.loads(next(deliveries).stream.read())["data"][0]["id"] for _ in range(3)] == [1, 2, 3]
        with pytest.raises(PermanentError, match="answers 400"):
            next(deliveries)

    def test_pages_that_are_added_meanwhile_are_taken_too(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            return numbered(3 if request.parameter("page") == "1" else 5)(request)

        web_server.add("/v1/prices", pages)
        assert ids(collect(http_source(web_server, pagination=self.STYLE))) == [1, 2, 3, 4, 5]

    def test_pages_that_vanish_meanwhile_are_noticed(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            return numbered(5 if request.parameter("page") == "1" else 4)(request)

        web_server.add("/v1/prices", pages)
        with pytest.raises(SourceItemChanged, match=r"there were 5 pages .* and now 4"):
            collect(http_source(web_server, pagination=self.STYLE))

    def test_offsets_are_foretold_by_what_the_first_page_held(self, web_server: WebServer) -> None:
        def capped(request: Request) -> Reply:
            offset, limit = int(request.parameter("offset")), min(4, int(request.parameter("limit")))
            return json_reply({"data": ROWS[offset : offset + limit], "total": len(ROWS)})

        meeting = Meeting(3, capped)
        web_server.add(
            "/v1/prices", lambda request: capped(request) if request.parameter("offset") == "0" else meeting(request)
        )
        style = {"style": "offset", "limit": 10, "records": "data", "total": "total"}
        assert rows_of(collect(http_source(web_server, pagination=style, connections=3))) == ROWS
        assert meeting.most == 3

    def test_a_page_shorter_than_foretold_loses_nothing(self, web_server: WebServer) -> None:
        def uneven(request: Request) -> Reply:
            offset = int(request.parameter("offset"))
            limit = 3 if offset == 10 else 5
            return json_reply({"data": ROWS[offset : offset + limit], "total": len(ROWS)})

        web_server.add("/v1/prices", uneven)
        style = {"style": "offset", "limit": 5, "records": "data", "total": "total"}
        assert rows_of(collect(http_source(web_server, pagination=style))) == ROWS

    def test_nothing_is_asked_for_ahead_where_a_page_may_say_that_it_is_the_last(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("page"))
            return json_reply({"data": [{"id": number}], "pages": 9, "done": number == 3})

        web_server.add("/v1/prices", pages)
        assert ids(collect(http_source(web_server, pagination={**self.STYLE, "stop": "done"}))) == [1, 2, 3]
        assert len(web_server.requests) == 3

    def test_a_number_of_pages_beyond_the_maximum_is_an_error(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", numbered(1000))
        with pytest.raises(PermanentError, match="more than 6 pages"):
            collect(http_source(web_server, pagination={**self.STYLE, "maxPages": 6}))
        assert len(web_server.requests) < 20

    def test_the_first_page_again_behind_the_last_one_is_noticed(self, web_server: WebServer) -> None:
        def wraps(request: Request) -> Reply:
            return json_reply([{"id": (int(request.parameter("page")) - 1) % 3}])

        web_server.add("/v1/prices", wraps)
        with pytest.raises(PermanentError, match="page 4 is the same as page 1"):
            collect(http_source(web_server, pagination={"style": "page"}))


class TestTokens:
    def test_a_cursor_that_goes_back_is_noticed(self, web_server: WebServer) -> None:
        following = {"": 10, "10": 20, "20": 15, "15": 30}

        def pages(request: Request) -> Reply:
            return json_reply({"at": request.parameter("cursor"), "next": following[request.parameter("cursor")]})

        web_server.add("/v1/prices", pages)
        with pytest.raises(PermanentError, match="went up, and now go back"):
            collect(http_source(web_server, pagination={"style": "cursor", "next": "next"}))

    def test_a_cursor_that_repeats_itself_is_noticed(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", lambda request: json_reply({"at": len(web_server.requests), "next": "abc"}))
        with pytest.raises(PermanentError, match="lead in a circle"):
            collect(http_source(web_server, pagination={"style": "cursor", "next": "next"}))

    def test_a_cursor_that_goes_down_is_as_good(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            at = int(request.parameter("max_id", "100"))
            return json_reply({"data": [{"id": at}], "next": at - 10 if at > 70 else None})

        web_server.add("/v1/prices", pages)
        style = {"style": "cursor", "parameter": "max_id", "next": "next"}
        assert ids(collect(http_source(web_server, pagination=style))) == [100, 90, 80, 70]

    def test_the_address_in_the_body_is_followed(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            number = int(request.parameter("p", "1"))
            addresses = {1: "?p=2", 2: web_server.url("/v1/prices?p=3&x=%2F")}
            return json_reply({"data": [{"id": number}], "links": {"next": addresses.get(number)}})

        web_server.add("/v1/prices", pages)
        assert ids(collect(http_source(web_server, pagination={"style": "nextUrl", "next": "links.next"}))) == [1, 2, 3]
        assert web_server.requests[-1].query == {"p": ["3"], "x": ["/"]}

    @pytest.mark.parametrize("scheme", ["http", "file", "ftp"])
    def test_an_address_in_the_body_on_another_scheme_is_refused(self, web_server: WebServer, scheme: str) -> None:
        address = f"{scheme}://127.0.0.1:{web_server.port}/v1/prices?p=2"
        web_server.add("/v1/prices", json_reply({"next": address}))
        with pytest.raises(PermanentError, match="another server"):
            collect(http_source(web_server, pagination={"style": "nextUrl", "next": "next"}))

    def test_a_token_goes_into_the_next_body(self, web_server: WebServer) -> None:
        def pages(request: Request) -> Reply:
            asked = request.json()
            start = int(asked["page"].get("token", "0"))
            return json_reply({"data": ROWS[start : start + 10], "token": str(start + 10) if start < 20 else ""})

        web_server.add("/v1/prices", pages)
        source = http_source(
            web_server,
            method="POST",
            body={"filter": {"type": "eod"}, "page": {"size": 10}},
            pagination={"style": "bodyToken", "next": "token", "field": "page.token"},
        )
        assert rows_of(collect(source)) == ROWS
        assert {request.method for request in web_server.requests} == {"POST"}
        assert web_server.requests[-1].json() == {"filter": {"type": "eod"}, "page": {"size": 10, "token": "20"}}
        assert web_server.requests[-1].headers["content-type"] == "application/json"

    def test_a_stop_rule_that_is_no_question_is_named(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply([{"id": 1}]))
        with pytest.raises(FormatError, match="neither true nor false"):
            collect(http_source(web_server, pagination={"style": "page", "stop": "[0].id"}))


class TestDateWindows:
    STYLE: ClassVar[dict[str, Any]] = {"style": "dateWindow", "start": "2023-12-20", "days": 5, "records": "data"}

    def days(self, request: Request) -> Reply:
        """A record a day, but none at New Year."""
        day, last = (date.fromisoformat(request.parameter(name)) for name in ("from", "to"))
        rows = []
        while day <= last:
            if day != date(2024, 1, 1):
                rows.append({"id": day.isoformat()})
            day += timedelta(days=1)
        return json_reply({"data": rows})

    def test_windows_cover_each_day_once_up_to_today(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.days)
        found = ids(collect(http_source(web_server, pagination=self.STYLE, clock=ManualClock())))
        expected = [(date(2023, 12, 20) + timedelta(days=number)).isoformat() for number in range(14)]
        assert found == [day for day in expected if day != "2024-01-01"]

    def test_a_window_without_records_ends_nothing(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.days)
        style = {**self.STYLE, "days": 1, "start": "2023-12-31"}
        pages = collect(http_source(web_server, pagination=style, clock=ManualClock()))
        assert ids(pages) == ["2023-12-31", "2024-01-02"]

    def test_a_collection_of_empty_windows_is_one_page(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": []}))
        assert collect(http_source(web_server, pagination=self.STYLE, clock=ManualClock())) == [b'{"data": []}']

    def test_a_watermark_comes_in_the_place_of_the_start(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.days)
        source = http_source(web_server, pagination=self.STYLE, cursor="id", clock=ManualClock())
        mark = Watermark(field="id", value="2023-12-30T16:00:00+00:00", type="timestamp")
        assert source.replaces(mark) is Replaces.NOTHING
        assert ids(collect(source, mark)) == ["2023-12-30", "2023-12-31", "2024-01-02"]

    def test_the_windows_of_an_item_are_the_same_on_the_next_day(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.days)
        clock = ManualClock()
        source = http_source(web_server, pagination=self.STYLE, clock=clock, seconds=10**6)
        item = only_item(source)
        first = [delivery.stream.read() for delivery in source.open(item)]
        clock.sleep(86_400)
        assert [delivery.stream.read() for delivery in source.open(item)] == first

    def test_an_end_that_is_not_included_is_the_day_behind(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply([]))
        style = {**self.STYLE, "inclusiveTo": False, "toParameter": "until", "spelling": "%Y%m%d", "records": "@"}
        collect(http_source(web_server, pagination=style, clock=ManualClock(), connections=1))
        asked = [(request.parameter("from"), request.parameter("until")) for request in web_server.requests]
        assert asked == [("20231220", "20231225"), ("20231225", "20231230"), ("20231230", "20240103")]

    def test_a_server_that_ignores_the_window_is_noticed(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": ROWS}))
        with pytest.raises(PermanentError, match="page 2 is the same as the one before it"):
            collect(http_source(web_server, pagination=self.STYLE, clock=ManualClock()))

    def test_a_watermark_that_is_no_date_is_a_mistake(self, web_server: WebServer) -> None:
        source = http_source(web_server, pagination=self.STYLE, cursor="id", clock=ManualClock(), etag=True)
        with pytest.raises(ConfigError, match="'4711' is no date"):
            only_item(source, Watermark(field="id", value="4711", type="integer"))


class TestIdWindows:
    STYLE: ClassVar[dict[str, Any]] = {"style": "idWindow", "parameter": "since", "id": "id", "records": "data"}

    def behind(self, request: Request) -> Reply:
        since = int(request.parameter("since"))
        return json_reply({"data": [row for row in ROWS if row["id"] > since][:10]})

    def test_every_record_comes_once(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.behind)
        assert rows_of(collect(http_source(web_server, pagination=self.STYLE))) == ROWS
        assert [request.parameter("since") for request in web_server.requests] == ["0", "10", "20", "25"]

    def test_a_server_that_includes_the_id_is_asked_for_the_next_one(self, web_server: WebServer) -> None:
        def from_there(request: Request) -> Reply:
            since = int(request.parameter("since"))
            return json_reply({"data": [row for row in ROWS if row["id"] >= since][:10]})

        web_server.add("/v1/prices", from_there)
        with pytest.raises(PermanentError, match="inclusive: true"):
            collect(http_source(web_server, pagination=self.STYLE))
        assert rows_of(collect(http_source(web_server, pagination={**self.STYLE, "inclusive": True}))) == ROWS

    def test_records_that_are_not_sorted_are_noticed(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": [{"id": 1}, {"id": 3}, {"id": 2}]}))
        with pytest.raises(PermanentError, match="id '2' comes behind one that is not below it"):
            collect(http_source(web_server, pagination=self.STYLE))

    def test_ids_that_are_texts_are_followed_until_one_comes_again(self, web_server: WebServer) -> None:
        following = {"0": ["a", "b"], "b": ["c"], "c": ["d", "b"]}

        def behind(request: Request) -> Reply:
            return json_reply({"data": [{"id": text} for text in following[request.parameter("since")]]})

        web_server.add("/v1/prices", behind)
        with pytest.raises(PermanentError, match="id 'b' comes behind"):
            collect(http_source(web_server, pagination=self.STYLE))

    def test_a_watermark_comes_in_the_place_of_the_start(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", self.behind)
        source = http_source(web_server, pagination=self.STYLE, cursor="id")
        assert ids(collect(source, Watermark(field="id", value="23", type="integer"))) == [24, 25]

    def test_a_record_without_an_id_is_named(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", json_reply({"data": [{"key": 1}]}))
        with pytest.raises(FormatError, match="a record has no id at 'id'"):
            collect(http_source(web_server, pagination=self.STYLE))


class TestItems:
    def test_each_combination_is_an_item_with_a_readable_id(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices/*", lambda request: json_reply([request.path, request.query]))
        options: dict[str, Any] = {
            "path": "/v1/prices/{symbol}",
            "query": {"interval": "{step}", "format": "{json}"},
            "each": {"symbol": ["IBM", "BRK/B"], "step": ["1d", "1h"]},
        }
        source = http_source(web_server, **options)
        items = list(source.discover(None))
        assert [item.id for item in items] == [
            "/v1/prices/IBM?step=1d",
            "/v1/prices/IBM?step=1h",
            "/v1/prices/BRK/B?step=1d",
            "/v1/prices/BRK/B?step=1h",
        ]
        again = http_source(web_server, **options)
        assert next(json.loads(delivery.stream.read()) for delivery in again.open(items[2])) == [
            "/v1/prices/BRK%2FB",
            {"interval": ["1d"], "format": ["{json}"]},
        ]
        assert source.replaces(None) is Replaces.ITEMS

    def test_values_are_filled_into_the_body_too(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", lambda request: json_reply(request.json()))
        body = {"symbols": ["{symbol}"], "{symbol}": {"query": "{ prices { close } }"}, "limit": 5}
        source = http_source(web_server, method="POST", body=body, each={"symbol": ["IBM"]})
        (item,) = source.discover(None)
        assert item.id == "/v1/prices?symbol=IBM"
        assert [request.method for request in web_server.requests] == []
        filled = {"symbols": ["IBM"], "IBM": {"query": "{ prices { close } }"}, "limit": 5}
        assert json.loads(collect(source)[0]) == filled

    def test_the_days_that_are_there_are_items(self, web_server: WebServer) -> None:
        for day in ("20231228", "20231229", "20240101"):
            web_server.add(f"/v1/{day}.csv", text_reply(f"day\n{day}\n", content_type="text/csv"))
        # ManualClock: Tuesday, 2 January 2024. The file of today is not there yet.
        source = http_source(
            web_server, path="/v1/{day}.csv", days={"last": 4, "spelling": "%Y%m%d"}, clock=ManualClock()
        )
        items = list(source.discover(None))
        assert [item.id for item in items] == ["/v1/20231228.csv", "/v1/20231229.csv", "/v1/20240101.csv"]
        assert items[0].slice == {"day": "2023-12-28"}
        assert "answers 200" in source.check()
        assert source.replaces(None) is Replaces.ITEMS

    def test_a_day_is_looked_for_by_get_where_there_is_no_head(self, web_server: WebServer) -> None:
        def only_get(request: Request) -> Reply:
            there = request.method == "GET" and request.path == "/v1/2024-01-01"
            return json_reply(ROWS) if there else error_reply(404)

        web_server.add("/v1/*", only_get)
        source = http_source(web_server, path="/v1/{day}", days={"last": 3}, clock=ManualClock())
        assert [item.id for item in source.discover(None)] == ["/v1/2024-01-01"]

    def test_weekends_count_where_they_are_asked_for(self, web_server: WebServer) -> None:
        web_server.add("/v1/*", json_reply(ROWS))
        source = http_source(web_server, path="/v1/{day}", days={"last": 4, "weekdays": False}, clock=ManualClock())
        days = [item.slice["day"] for item in source.discover(None)]
        assert days == ["2023-12-30", "2023-12-31", "2024-01-01", "2024-01-02"]

    def test_one_path_for_two_combinations_is_a_mistake(self, web_server: WebServer) -> None:
        source = http_source(web_server, path="/{a}{b}", each={"a": ["1", "11"], "b": ["1", "11"]}, etag=False)
        with pytest.raises(ConfigError, match="one and the same path"):
            list(source.discover(None))

    def test_the_watermark_may_stand_in_the_body(self, web_server: WebServer) -> None:
        web_server.add("/v1/prices", lambda request: json_reply(request.json()))
        options: dict[str, Any] = {"method": "POST", "body": {"from": "{since}"}, "cursor": "date"}
        source = http_source(web_server, start="2024-01-01", **options)
        assert json.loads(collect(source)[0]) == {"from": "2024-01-01"}
        mark = Watermark(field="date", value="2024-02-03", type="date")
        assert json.loads(collect(source, mark)[0]) == {"from": "2024-02-03"}
        with pytest.raises(ConfigError, match=r"nothing can stand for '\{since\}'"):
            http_source(web_server, **options)

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"path": "/{symbl}", "each": {"symbol": ["IBM"]}}, "no values for '{symbl}'"),
            ({"each": {"symbol": ["IBM"]}}, "'{symbol}' stands nowhere"),
            ({"days": {}}, "'{day}' stands nowhere"),
            ({"path": "/{since}/{x}", "each": {"since": ["1"], "x": ["2"]}}, "cannot be of 'since'"),
            ({"path": "/{x}", "each": {"x": [".."]}}, "no dots alone"),
            ({"body": {}}, "a body needs method POST"),
            ({"pagination": {"style": "bodyToken", "next": "n", "field": "f"}}, "needs method POST"),
            (
                {"method": "POST", "body": {"a": 1}, "pagination": {"style": "bodyToken", "next": "n", "field": "a.b"}},
                "an object for 'a.b'",
            ),
        ],
    )
    def test_what_does_not_fit_together_is_refused_with_the_document(self, options: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            HttpSource.Options.model_validate({"protocol": "http", "path": "/", **options})


def test_a_post_is_never_asked_about_by_head(web_server: WebServer) -> None:
    web_server.add("/v1/prices", json_reply(ROWS))
    source = http_source(web_server, method="POST", body={"q": "all"}, etag=True)
    assert only_item(source) == SourceItem(id="/v1/prices")
    assert "answers 200" in source.check()
    assert [request.method for request in web_server.requests] == ["POST"]


def test_a_large_page_is_parsed_beside_the_others(web_server: WebServer) -> None:
    rows = [{"id": number, "name": "x" * 100} for number in range(20_000)]

    def pages(request: Request) -> Reply:
        return json_reply({"data": rows if request.parameter("page") == "1" else []})

    web_server.add("/v1/prices", pages)
    assert len(ids(collect(http_source(web_server, pagination={"style": "page", "records": "data"})))) == 20_000


def test_an_empty_answer_ends_pages_of_json(web_server: WebServer, web_servers: WebServers) -> None:
    def pages(request: Request) -> Reply:
        return json_reply([1]) if request.parameter("page") == "1" else Answer(b"", HTTPStatus.NO_CONTENT)

    web_server.add("/v1/prices", pages)
    assert collect(http_source(web_server, pagination={"style": "page"})) == [b"[1]"]

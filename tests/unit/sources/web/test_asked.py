"""Requests as values: their queries, bodies and names."""

from __future__ import annotations

import json

import pytest

from finport_ingestion.engine.sources.web.asked import Ask, Counted, named, same_origin, with_query


@pytest.mark.parametrize(
    ("url", "parameters", "expected"),
    [
        ("https://h/p", {"a": "1"}, "https://h/p?a=1"),
        ("https://h/p", {}, "https://h/p"),
        ("https://h/p?b=%2f+x&c", {"a": "A&B /ü"}, "https://h/p?b=%2f+x&c&a=A%26B%20%2F%C3%BC"),
        ("https://h/p?page=1&size=5", {"page": "2"}, "https://h/p?size=5&page=2"),
        ("https://h/p?%70age=1&page=3", {"page": "2"}, "https://h/p?page=2"),
        ("https://h/p?a=1#part", {"b": "2"}, "https://h/p?a=1&b=2"),
        ("https://h", {"b": ""}, "https://h?b="),
    ],
)
def test_parameters_are_set_and_the_rest_stays_as_written(url: str, parameters: dict[str, str], expected: str) -> None:
    assert with_query(url, parameters) == expected


def test_counted_requests_differ_in_a_number_alone() -> None:
    counted = Counted(Ask("GET", "https://h/p?page=9&size=5"), "page")
    assert counted.at(12) == Ask("GET", "https://h/p?size=5&page=12")


def test_a_field_of_the_body_is_set_below_others() -> None:
    ask = Ask("POST", "https://h/p", b'{"page":{"size":5},"q":"\xc3\xbc"}').with_field("page.token", "x")
    assert json.loads(ask.body or b"") == {"page": {"size": 5, "token": "x"}, "q": "ü"}
    assert json.loads(Ask("POST", "https://h/p").with_field("a.b", "1").body or b"") == {"a": {"b": "1"}}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://H:443/x", True),
        ("https://h/y?z", True),
        ("http://h/", False),
        ("https://h:444/", False),
        ("https://h.evil/", False),
        ("https://h@evil/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(other: str, same: bool) -> None:
    assert same_origin("https://h/", other) is same


def test_a_name_holds_neither_query_nor_credentials() -> None:
    assert named("prices", "GET", "https://user:secret@h:1/p?key=secret") == "prices: GET /p at h:1"
    assert "secret" not in repr(Ask("GET", "https://h/?key=secret", b"secret"))

"""What a message holds, as columns: nothing is coerced, nothing is lost, nothing stops the stream."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from finport_ingestion.engine.sources.messages.content import Content
from finport_ingestion.engine.sources.messages.options import MessageOptions


def content(value: str = "json", **fields: str) -> Content:
    return Content(MessageOptions.model_validate({"protocol": "any", "value": value, "fields": fields}))


@pytest.mark.parametrize(
    ("type_", "spelled", "value"),
    [
        ("decimal(18,4)", "1.10", Decimal("1.1000")),
        ("decimal(18,4)", '"1.1"', Decimal("1.1000")),
        ("decimal(76,0)", "9" * 70, Decimal("9" * 70)),
        ("integer", "9007199254740993", 9007199254740993),
        ("integer", "2.0", 2),
        ("float", "0.1", 0.1),
        ("identifier", '"037833100"', "037833100"),
        ("identifier", "37833100", "37833100"),
        ("text", "1.10", "1.10"),
        ("boolean", "true", True),
        ("date", '"2024-02-29"', date(2024, 2, 29)),
        ("time", '"23:59:59.999999"', time(23, 59, 59, 999999)),
        ("timestamp(UTC)", '"2024-01-02T03:04:05Z"', datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("timestamp", '"2024-01-02T03:04:05"', datetime(2024, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        ("json", '{"p": 1.10}', '{"p":1.10}'),
        ("integer", "null", None),
    ],
)
def test_a_declared_field_is_exactly_what_stands_there(type_: str, spelled: str, value: Any) -> None:
    row = content(v=type_).read(f'{{"v": {spelled}}}'.encode())
    assert row["v"] == value
    assert "problem" not in row


@pytest.mark.parametrize(
    ("type_", "spelled"),
    [
        ("decimal(18,4)", "1.12345"),
        ("decimal(4,2)", "123.45"),
        ("decimal(18,4)", "true"),
        ("decimal(18,4)", '"1,10"'),
        ("decimal(18,4)", '"NaN"'),
        ("integer", "1.5"),
        ("integer", "9223372036854775808"),
        ("text", "true"),
        ("boolean", "1"),
        ("date", '"02/29/2024"'),
        ("timestamp(UTC)", '"2024-01-02T03:04:05"'),
        ("timestamp", '"2024-01-02T03:04:05Z"'),
        ("timestamp(UTC)", "1704164645"),
        ("float", "[]"),
    ],
)
def test_what_does_not_fit_without_a_loss_is_null_and_told(type_: str, spelled: str) -> None:
    message = f'{{"v": {spelled}}}'
    row = content(v=type_).read(message.encode())
    assert row == {"value": message, "problem": f"v is no {type_}"}


def test_a_dot_leads_into_an_object_unless_it_is_part_of_a_name() -> None:
    read = content(**{"a.b": "integer", "c.d": "integer", "x.y": "integer"})
    row = read.read(b'{"a": {"b": 1}, "c.d": 2, "x": [1]}')
    assert (row["a.b"], row["c.d"], row["x.y"]) == (1, 2, None)


@pytest.mark.parametrize("value", [b"{", b"", b"NaN", b"[" * 100_000])
def test_what_is_no_json_stays_as_it_came(value: bytes) -> None:
    assert content().read(value) == {"undecoded": value, "problem": "no JSON"}


def test_what_is_no_text_stays_as_it_came() -> None:
    assert content("text").read(b"a\xff") == {"undecoded": b"a\xff", "problem": "no text in UTF-8 at byte 1"}


def test_json_that_is_no_object_has_no_fields() -> None:
    assert content(v="integer").read(b"[1]") == {"value": "[1]", "v": None}


def test_no_content_is_nothing() -> None:
    assert content().read(None) == {"value": None}
    assert content("binary").read(b"\xff") == {"value": b"\xff"}


@pytest.mark.parametrize(
    "options", [{"value": "text", "fields": {"a": "text"}}, {"fields": {"a": "binary"}}, {"fields": {"a": "money"}}]
)
def test_a_document_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"JSON|a type is one of"):
        MessageOptions.model_validate({"protocol": "any", **options})

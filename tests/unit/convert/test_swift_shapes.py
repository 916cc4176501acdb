"""Texts of transactions shape by shape say what each says by itself."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.reading.swift_details import NOTHING, details_of
from finport_ingestion.engine.convert.reading.swift_shapes import details_columns

COPIES = 70  # more than what is looked at one by one
BEGINS = ("", "166", " 166 ", "16", "1660", "\u00a0166", "A166", "/EREF/x", "/")
CODES = ("00", "10", "20", "21", "29", "30", "31", "32", "33", "34", "38", "60", "63", "99", "2", "x")
VALUES = (
    *("", " ", "EREF+12", "SVWZ+ rent ", "BIC+X", "ABIC+X", "EREFIBAN+", "+", "a+b", "IBAN: DE1", "IBAN:", "a:b"),
    *("caf\u00e9 \u00a0", "\x1cKREF+\x85", '"quoted"', "back\\slash", "tab\t", "? alone", "<20", "\U0001f600", "200"),
    *("REMI", "MREF+M1CRED+C1", "EREF", "BIC", "\u2028"),
)


def rows(texts: list[str | None]) -> list[tuple[str | None, ...]]:
    columns = details_columns(pa.array(texts, pa.string()))
    return list(zip(*(column.to_pylist() for column in columns.values()), strict=True))


def alone(texts: list[str | None]) -> list[tuple[str | None, ...]]:
    return [NOTHING if text is None else details_of(text) for text in texts]


@st.composite
def details(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from("?<^~"))
    parts = draw(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(VALUES)), max_size=5))
    return draw(st.sampled_from(BEGINS)) + "".join(f"{mark}{code}{value}" for code, value in parts)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.none() | details() | st.sampled_from(VALUES), min_size=1, max_size=4), st.randoms())
def test_many_texts_say_what_each_says(texts: list[str | None], random: object) -> None:
    many = texts * COPIES
    random.shuffle(many)  # type: ignore[attr-defined]
    assert rows(many) == alone(many)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_texts_do_as_well(count: int) -> None:
    texts = ["166?00GUTSCHRIFT?20EREF+1?32A", None, "no structure"][:count]
    assert rows(texts) == alone(texts)


def test_values_differ_within_a_shape() -> None:
    many: list[str | None] = [f"166?00KIND?20EREF+{n}?21SVWZ+BILL {n}?30BANK{n}?32N{n}?33AME" for n in range(500)]
    found = rows(many)
    assert found == alone(many)
    assert found[499][2:] == (
        *("166", "KIND", None, "EREF+499\nSVWZ+BILL 499", "BANK499", None, "N499AME", None),
        *("499", None, None, None, "BILL 499"),
    )

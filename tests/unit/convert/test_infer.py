"""Types out of texts: what every value is decides, whatever the cut into batches."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.evidence import Evidence
from finport_ingestion.engine.convert.infer import decide, names_an_identifier
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.moments import WAYS, cast_moments
from finport_ingestion.engine.convert.numerals import NumberStyle, parse_integers


def typed(values: list[str | None], name: str = "value", **options: Any) -> str:
    origins = options.pop("origins", frozenset({Origin.FIELD}))
    style = options.pop("style", NumberStyle.POINT)
    evidence = look(pa.array(values, pa.string()), origins=origins, style=style).evidence
    return str(decide(name, evidence, **options).logical)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "0"], "integer"),
        (["1", None, "999999999999999999"], "integer"),
        (["00123", "45"], "identifier"),
        (["+5", "6"], "text"),
        ([" 7", "8"], "text"),
        (["0x10", "5"], "text"),
        (["0xFFFFF", "12"], "text"),
        (["12345678901234567890123"], "identifier"),
        (["1.5", "2"], "decimal(18,1)"),
        (["1.50", "2.125"], "decimal(18,3)"),
        (["12345678901234567890.5"], "decimal(38,1)"),
        (["9" * 40 + ".5"], "decimal(76,1)"),
        (["9" * 80 + ".5"], "text"),
        ([".5", "-.25"], "decimal(18,2)"),
        (["5.", "6.1"], "text"),
        (["1E2", "3"], "text"),
        (["1,338", "2"], "text"),
        (["true", "false"], "boolean"),
        (["TRUE", "False"], "boolean"),
        (["T", "F"], "text"),
        (["1", "0"], "integer"),
        (["yes", "no"], "text"),
        (["NA", "nan", "NULL"], "text"),
        (["2024-01-31", "2023-02-28"], "date"),
        (["2024-02-30"], "text"),
        (["0000-01-01"], "text"),
        (["31/01/2024", "1/2/2024"], "date"),
        (["01/02/2024", "3/4/2024"], "text"),
        (["01/31/2024", "1/2/2024"], "date"),
        (["31/01/2024", "01/31/2024"], "text"),
        (["31.01.2024"], "date"),
        (["02-Jan-2024", "3-FEB-2024"], "date"),
        (["20240131"] * 20, "date"),
        (["20240131"], "integer"),
        (["09:30", "23:59:59.5"], "time"),
        (["24:00"], "text"),
        (["2024-01-31 09:30", "2024-01-31T09:30:15.123456"], "timestamp"),
        (["2024-01-31T09:30:15.123456789"], "text"),
        (["2024-01-31T09:30:15.123456000"], "timestamp"),
        (["2024-01-31T09:30:15Z", "2024-01-31T09:30:15+02:00"], "timestamp(UTC)"),
        (["2024-01-31T09:30:15Z", "2024-01-31T09:30:15"], "text"),
        (["5/19/2006 0:00:00"], "timestamp"),
        ([None, None], "text"),
        ([], "text"),
    ],
)
def test_types_are_what_all_values_are(values: list[str | None], expected: str) -> None:
    assert typed(values) == expected


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("id", True),
        ("trade_id", True),
        ("accountNumber", True),
        ("ISIN", True),
        ("isin_code", True),
        ("CUSIP2", True),
        ("location_zipcode", True),
        ("FIPS state", True),
        ("Symbol", True),
        ("account_balance", False),
        ("paid", False),
        ("number_of_shares", False),
        ("price", False),
        ("valid", False),
        ("", False),
    ],
)
def test_some_names_keep_a_column_text(name: str, identifier: bool) -> None:
    assert names_an_identifier(name) is identifier
    assert typed(["1", "2"], name) == ("identifier" if identifier else "integer")


def test_a_cursor_is_a_number_whatever_its_name() -> None:
    assert typed(["1", "2"], "trade_id", orders=True) == "integer"


def test_compact_dates_need_a_name_or_many_values() -> None:
    assert typed(["20240131", "20240201"], "trade_date") == "date"
    assert typed(["20240131", "20240201"], "volume") == "integer"
    assert typed(["20240131", "20240231"], "trade_date") == "integer"


def test_the_stated_order_of_day_and_month_decides() -> None:
    assert typed(["01/02/2024"], date_order="dmy") == "date"
    evidence = look(pa.array(["01/02/2024"])).evidence
    assert decide("d", evidence, date_order="dmy").way == "date:%d/%m/%Y"
    assert decide("d", evidence, date_order="mdy").way == "date:%m/%d/%Y"
    note = decide("d", evidence).note
    assert note is not None
    assert "dateOrder" in note


def test_decimal_commas_are_read_where_they_are_stated() -> None:
    assert typed(["1.234,50", "12,5"], style=NumberStyle.COMMA) == "decimal(18,2)"
    assert typed(["1.234", "12"], style=NumberStyle.COMMA) == "integer"
    assert typed(["1.5", "12"], style=NumberStyle.COMMA) == "text"
    assert typed(["1,5", "12"]) == "decimal(18,1)"
    assert typed(["1,500", "12"]) == "text"  # thousands or decimals: nobody can tell


def test_what_a_typed_document_calls_a_string_is_no_number() -> None:
    string = frozenset({Origin.STRING})
    assert typed(["1.10", "2.20"], origins=string) == "text"
    assert typed(["true"], origins=string) == "text"
    assert typed(["20240131"] * 30, origins=string) == "text"
    assert typed(["2024-01-31"], origins=string) == "date"
    assert typed(["1", "2"], origins=frozenset({Origin.NUMBER})) == "integer"
    assert typed(["1", "x"], origins=frozenset({Origin.NUMBER, Origin.STRING})) == "text"
    assert typed(['{"a":1}', "5"], origins=frozenset({Origin.NESTED, Origin.NUMBER})) == "json"
    assert typed(['{"a":1}', "x"], origins=frozenset({Origin.NESTED, Origin.STRING})) == "text"


_CUSIPS: list[str | None] = ["912828100", "594918104", "254687106", "191216100", "742718109", "478160104"]


def test_check_digits_make_identifiers_of_numbers_but_not_by_chance() -> None:
    assert typed(_CUSIPS) == "identifier"
    assert decide("code of it", look(pa.array(_CUSIPS)).evidence).label == "cusip"
    assert typed(_CUSIPS[:5]) == "integer"
    assert typed([*_CUSIPS, "594918105"]) == "integer"
    assert typed(["190000000"] * 1000) == "integer"  # one sum, however often
    assert typed(_CUSIPS, orders=True) == "integer"
    assert typed(_CUSIPS, origins=frozenset({Origin.NUMBER})) == "integer"
    assert typed(_CUSIPS, origins=frozenset({Origin.STRING})) == "identifier"


def test_check_digits_make_identifiers_of_texts() -> None:
    assert typed(["US0378331005"]) == "identifier"
    assert typed(["US0378331005", "n/a"]) == "text"
    assert typed(["B0WNLY7", "B0WNLY7"]) == "text"
    assert typed(["DIVIDEND", "ACCEPTED"]) == "text"  # words that name Germany and Portugal, as a BIC does
    assert typed(["DEUTDEFF", "CHASUS33XXX", "BNPAFRPP"]) == "identifier"
    assert decide("x", look(pa.array(["DEUTDEFF", "CHASUS33XXX", "BNPAFRPP"])).evidence).label == "bic"


def test_lists_beside_fields_are_text() -> None:
    assert typed(['{"a":1}', "x"], origins=frozenset({Origin.NESTED, Origin.FIELD})) == "text"


_TEXTS = [
    "US0378331005",
    "AU0000XVGZA3",
    "0263494",
    "B0WNLY7",
    *_CUSIPS,
    "5493001KJTIIGC8Y1R12",
    "DEUTDEFF",
    "0",
    "1",
    "-1",
    "007",
    "+5",
    "1.5",
    "1.250",
    ".5",
    "1E2",
    "-0",
    "true",
    "FALSE",
    "01/02/2024",
    "31/01/2024",
    "01/31/2024",
    "2024-01-31",
    "20240131",
    "09:30",
    "x",
    "2024-01-31T09:30",
    "2024-01-31T09:30Z",
    "2024-01-31T09",
    "12345678901234567890",
    "9.123456789012345678901",
    "0x1F",
]
_VALUE = st.one_of(
    st.none(),
    st.sampled_from(_TEXTS),
)


@settings(max_examples=120, deadline=None)
@given(values=st.lists(_VALUE, max_size=8), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_evidence_of_pieces_is_the_evidence_of_the_whole(values: list[str | None], cuts: list[int]) -> None:
    whole = look(pa.array(values, pa.string())).evidence
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    merged, running = Evidence(), Evidence()
    for start, end in pairwise(bounds):
        piece = pa.array(values[start:end], pa.string())
        merged = merged + look(piece).evidence
        running = running + look(piece, among=running.alive).evidence
    assert merged == running == Evidence() + whole
    assert Evidence.from_plain(whole.to_plain()) == whole


@settings(max_examples=120, deadline=None)
@given(values=st.lists(st.text("0123456789-+xX aF.", max_size=8), max_size=5))
def test_only_canonical_integers_are_parsed(values: list[str]) -> None:
    import re

    canonical = all(re.fullmatch(r"-?(0|[1-9][0-9]*)", value) for value in values)
    found = parse_integers(pa.array(values, pa.string()))
    assert (found is not None) == canonical
    if found is not None:
        assert found.to_pylist() == [int(value) for value in values]


@settings(max_examples=80, deadline=None)
@given(moment=st.dates(), way=st.sampled_from(WAYS[:12]))
def test_every_date_is_read_back_in_every_way_of_writing(moment: date, way: str) -> None:
    if way == "date:%Y%m%d" and not 1900 <= moment.year <= 2100:
        return
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    text = way.partition(":")[2].replace("%Y", f"{moment.year:04d}").replace("%m", f"{moment.month:02d}")
    text = text.replace("%d", f"{moment.day:02d}").replace("%b", months[moment.month - 1])
    found, wrong = cast_moments(pa.array([text, None]), way)
    assert wrong is None
    assert found.to_pylist() == [moment, None]


@settings(max_examples=80, deadline=None)
@given(year=st.integers(0, 9999), month=st.integers(0, 13), day=st.integers(0, 32))
def test_no_date_is_invented(year: int, month: int, day: int) -> None:
    try:
        wanted: date | None = date(year, month, day)
    except ValueError:
        wanted = None
    for way, text in (
        ("date:%Y-%m-%d", f"{year:04d}-{month:02d}-{day:02d}"),
        ("date:%d/%m/%Y", f"{day}/{month}/{year:04d}"),
    ):
        found, wrong = cast_moments(pa.array([text]), way)
        assert found.to_pylist() == [wanted]
        assert (wrong is None) == (wanted is not None)

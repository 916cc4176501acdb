"""Columns whose type is agreed: what the look made of their numbers is what a cast makes of them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.agreed import agreed_key, look_agreed
from finport_ingestion.engine.convert.cast import Reading, cast_text
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.logical import parse_logical

FIELD = frozenset({Origin.FIELD})
NUMBERS = st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{0,5})?\Z") | st.sampled_from(
    ["", "x", "1e2", "+1", "00", "-0", "1,5"]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.none() | NUMBERS, max_size=6),
    st.sampled_from(["integer", "decimal(18,2)", "decimal(18,5)", "decimal(5,1)", "decimal(38,4)", "decimal(60,4)"]),
    st.sampled_from(list(NumberStyle)),
)
def test_what_the_look_made_of_numbers_is_their_cast(
    texts: list[str | None], spelling: str, style: NumberStyle
) -> None:
    values, logical = pa.array(texts, pa.string()), parse_logical(spelling)
    for key, made in look_agreed(values, logical, origins=FIELD, style=style).cast.items():
        expected = cast_text(values, logical, way=None, reading=Reading(style=style))
        assert key == agreed_key(logical)
        assert made.equals(expected.values)
        assert expected.misfits is None


@pytest.mark.parametrize(
    ("spelling", "texts"), [("integer", ["1", None, "-20"]), ("decimal(18,2)", ["1.50", None, "-2.25"])]
)
def test_plain_numbers_are_cast_by_the_look(spelling: str, texts: list[str | None]) -> None:
    logical = parse_logical(spelling)
    look = look_agreed(pa.array(texts, pa.string()), logical, origins=FIELD, style=NumberStyle.POINT)
    assert set(look.cast) == {agreed_key(logical)}

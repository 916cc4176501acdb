"""Number texts as machine integers: exactly what a decimal of each text is, or nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from finport_ingestion.engine.convert import numerals
from finport_ingestion.engine.convert.digits import MAX_DIGITS, read_numbers

_DECIMAL = re.compile(numerals.DECIMAL)
_ODD = (
    "-",
    ".",
    " 1",
    "+5",
    "00",
    "01.5",
    "-.5",
    "5.",
    "1e2",
    "1.2.3",
    "--1",
    "0x1A",
    "-00.1",
    "1-2",
    "-.",
    "1/2",
    "1:2",
)
_UNUSUAL = (".5", "-.5", "-0", "0.00", "-0.00", "9" * 18, "9" * 14 + ".1234", "9" * 13 + ".1234", "9" * 17 + ".5")


@pytest.mark.parametrize("beside", [("7",), ("7.25", "8.50"), ("7.25", "8.5"), ("-7.25", "8.50"), ()])
@pytest.mark.parametrize("odd", _ODD)
def test_one_text_that_is_no_plain_number_is_found_among_numbers(odd: str, beside: tuple[str, ...]) -> None:
    fits = [bool(_DECIMAL.match(text)) for text in (*beside, odd)]

    for texts in ([*beside, odd], [odd, *beside]):
        assert (read_numbers(pa.array(texts)) is not None) is all(fits)


@pytest.mark.parametrize("text", _UNUSUAL)
def test_a_number_at_the_edge_is_worth_what_its_decimal_is(text: str) -> None:
    read = read_numbers(pa.array([text, None]))

    assert read is not None
    if read.unscaled is not None:
        assert Decimal(int(read.unscaled[0])).scaleb(-read.scale) == Decimal(text)
        assert read.unscaled[1] == 0
    else:
        assert read.digits + read.scale > MAX_DIGITS


def _columns(seed: int) -> Iterator[list[str | None]]:
    """Few numbers, of one scale or several, now and then with a null or something odd among them."""
    draw = random.Random(seed)
    for _ in range(800):
        scales = draw.choice([(0,), (2,), (4,), (0, 1, 2, 3)])
        column: list[str | None] = []
        for _ in range(draw.randint(1, 7)):
            scale = draw.choice(scales)
            whole = draw.choice(["0", str(draw.randrange(1, 10 ** draw.randint(1, 14)))])
            behind = "." + "".join(draw.choices("0123456789", k=scale)) if scale else ""
            number = draw.choice(["", "", "-"]) + whole + behind
            column.append(draw.choices([number, None, draw.choice(_ODD + _UNUSUAL)], weights=[30, 2, 1])[0])
        yield column


@pytest.mark.parametrize("seed", range(4))
def test_columns_are_read_exactly_where_every_text_is_a_number_and_only_there(seed: int) -> None:
    for column in _columns(seed):
        there = [text for text in column if text is not None]
        read = read_numbers(pa.array(["12.5", *column], pa.string()).slice(1))  # a slice begins behind other bytes

        if not there or not all(map(_DECIMAL.match, there)):
            assert read is None, column
            continue
        assert read is not None, column
        assert read.signed is any(text.startswith("-") for text in there)
        assert read.scale == max(len(text.partition(".")[2]) for text in there)
        assert read.digits == max(len(text.lstrip("-").partition(".")[0]) for text in there)
        if read.unscaled is not None:
            worth = [Decimal(int(number)).scaleb(-read.scale) for number in read.unscaled]
            assert worth == [Decimal(text or "0") for text in column], column

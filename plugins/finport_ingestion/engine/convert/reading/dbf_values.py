"""What the bytes of dBASE's fields spell: numbers as they stand, dates and times as ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.byte_columns import Bytes, Texts, raw_values, texts

MEMOS = "MGPBW"  # their texts lie in another file
_PLAIN_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
_JULIAN_OF_1970 = 2_440_588
_LAST_JULIAN = 5_373_484  # 9999-12-31
_DAY_MILLIS = 86_400_000


def numbers(cells: Bytes) -> tuple[Texts, int]:
    """Decimal texts, exponents written out, and how many fields have asterisks: their number did not fit."""
    made = texts(cells, encoding="latin-1", lead=True)
    plain = pc.fill_null(pc.match_substring_regex(made.values, _PLAIN_NUMBER), True)
    if pc.all(plain, min_count=0).as_py():
        return Texts(_usual(made.values), made.wrong), 0
    found = made.values.to_pylist()
    wrong: list[int] = []
    overflowed = 0
    for at in np.flatnonzero(~plain.to_numpy(zero_copy_only=False)).tolist():
        text, found[at] = found[at], None
        if set(text) == {"*"}:
            overflowed += 1
        elif (number := _written_out(text)) is not None:
            found[at] = number
        elif text.strip("."):
            wrong.append(at)
    return Texts(_usual(pa.array(found, pa.string())), tuple(wrong)), overflowed


def _usual(values: pa.StringArray) -> pa.StringArray:
    """Without a plus sign, and without a point that nothing follows: a type of numbers knows neither."""
    if not pc.any(pc.match_substring_regex(values, r"^\+|\.$"), min_count=0).as_py():
        return values
    return pc.replace_substring_regex(values, r"^\+|\.$", "")


def _written_out(text: str) -> str | None:
    if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}", text):
        return None
    try:
        return format(Decimal(text), "f")
    except InvalidOperation:
        return None


def _dates(cells: Bytes) -> Texts:
    made = texts(cells, encoding="latin-1", lead=True)
    blank = pc.fill_null(pc.match_substring_regex(made.values, r"^[0\s]*$"), True)
    days = pc.if_else(blank, pa.scalar(None, pa.string()), made.values)
    whole = pc.fill_null(pc.match_substring_regex(days, r"^[0-9]{8}$"), True)
    wrong = np.flatnonzero(~whole.to_numpy(zero_copy_only=False)).tolist()
    return Texts(pc.replace_substring_regex(days, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"), tuple(wrong))


def _booleans(cells: Bytes) -> Texts:
    letters = cells[:, 0]
    values = np.full(len(letters), None, object)
    values[np.isin(letters, np.frombuffer(b"TtYy", np.uint8))] = "true"
    values[np.isin(letters, np.frombuffer(b"FfNn", np.uint8))] = "false"
    wrong = np.flatnonzero(~np.isin(letters, np.frombuffer(b"TtYyFfNn? \0", np.uint8))).tolist()
    return Texts(pa.array(values.tolist(), pa.string()), tuple(wrong))


def _integers(cells: Bytes) -> Texts:
    numbers = np.ascontiguousarray(cells).view("<i4").reshape(-1)
    return Texts(pa.array(numbers.astype(np.int64)).cast(pa.string()))


def _counters(cells: Bytes) -> Texts:
    """dBASE 7 writes integers from the high byte on, with the sign turned."""
    numbers = np.ascontiguousarray(cells).view(">u4").reshape(-1).astype(np.int64) - (1 << 31)
    return Texts(pa.array(numbers).cast(pa.string()))


def _doubles(cells: Bytes) -> Texts:
    numbers = np.ascontiguousarray(cells).view("<f8").reshape(-1)
    return Texts(pa.array([format(Decimal(repr(number)), "f") for number in numbers.tolist()], pa.string()))


def _currency(cells: Bytes) -> Texts:
    numbers = np.ascontiguousarray(cells).view("<i8").reshape(-1).tolist()
    return Texts(pa.array([format(Decimal(number).scaleb(-4), "f") for number in numbers], pa.string()))


def _moments(cells: Bytes) -> Texts:
    """A day of Julius Scaliger's and milliseconds; zero is no moment."""
    parts = np.ascontiguousarray(cells).view("<i4").reshape(-1, 2).astype(np.int64)
    empty = parts[:, 0] <= 0
    wrong = ~empty & ((parts[:, 1] < 0) | (parts[:, 1] >= _DAY_MILLIS) | (parts[:, 0] > _LAST_JULIAN))
    millis = (parts[:, 0] - _JULIAN_OF_1970) * _DAY_MILLIS + parts[:, 1]
    moments = pa.array(np.where(empty | wrong, 0, millis), pa.int64(), mask=empty | wrong).cast(pa.timestamp("ms"))
    return Texts(pc.strftime(moments, "%Y-%m-%dT%H:%M:%S"), tuple(np.flatnonzero(wrong).tolist()))


def _hexadecimal(cells: Bytes) -> Texts:
    return Texts(pa.array([value.hex() for value in raw_values(cells).to_pylist()], pa.string()))


def memos(cells: Bytes) -> Texts:
    return Texts(pa.nulls(len(cells), pa.string()))


READ: Mapping[str, Callable[[Bytes], Texts]] = {
    "D": _dates,
    "L": _booleans,
    "I": _integers,
    "+": _counters,
    "O": _doubles,
    "Y": _currency,
    "T": _moments,
    "Q": _hexadecimal,
}

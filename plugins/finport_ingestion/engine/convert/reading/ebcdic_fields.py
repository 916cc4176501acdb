"""Fields of EBCDIC records as columns, for many records at once: text, zoned and packed decimals, binary numbers.

Each function takes a matrix of bytes, one row a record, and gives a column with a mask of the rows that it cannot read.
Numbers are exact: int64 where they are whole and fit, else decimals. A number field of blanks or of zero bytes, which
is how programs leave it when there is no value, is null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.ebcdic_pages import BLANK
from finport_ingestion.engine.convert.reading.fixed_layout import empty_as_null

_LIMB = 18
_PLUS, _MINUS = 0x4E, 0x60
_WIDE = 38
Bytes = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of the layout; `start` and `end` are bytes, 0-based."""

    name: str
    start: int
    end: int
    kind: str  # "text", "zoned", "packed", "binary"
    scale: int = 0
    signed: bool = True
    sign: str = "trailing"  # of zoned: "leading", "trailing_separate", "leading_separate"

    @property
    def digits(self) -> int:
        """The most decimal digits that it can hold."""
        size = self.end - self.start
        if self.kind == "packed":
            return 2 * size - 1
        if self.kind == "binary":
            return len(str(256**size - 1))
        return size - self.sign.endswith("_separate")

    @property
    def type(self) -> pa.DataType:
        if self.kind == "text":
            return pa.string()
        unsigned_64 = self.kind == "binary" and not self.signed and self.end - self.start == 8
        if not self.scale and not unsigned_64 and (self.digits <= _LIMB or self.kind == "binary"):
            return pa.int64()
        return pa.decimal128(_LIMB if max(self.digits, self.scale) <= _LIMB else _WIDE, self.scale)


def read_field(field: Field, records: Bytes, characters: str) -> tuple[pa.Array, np.ndarray | None]:
    """The column, and which rows it cannot be read in (None: in all it can)."""
    found = np.ascontiguousarray(records[:, field.start : field.end])
    if field.kind == "text":
        return _texts(found, characters), None
    if field.kind == "binary":
        return _binary(found, field), None
    digits, negative, bad = _packed(found, field) if field.kind == "packed" else _zoned(found, field)
    blank = (found == BLANK).all(axis=1) | (found == 0).all(axis=1)
    digits[blank | bad] = 0
    return _numbers(digits, negative, blank | bad, field), bad & ~blank


def _texts(found: Bytes, characters: str) -> pa.StringArray:
    """Without the blanks and zero bytes around them; null where there is nothing else."""
    count, width = found.shape
    table = np.array([ord(character) for character in characters], np.uint32)
    if count and bool((table[np.unique(found)] < 0x80).all()):
        ascii_bytes = table.astype(np.uint8)[found]
        fixed = pa.Array.from_buffers(pa.binary(width), count, [None, pa.py_buffer(ascii_bytes)])
        values = fixed.cast(pa.binary()).view(pa.string())
    else:
        text = "".join(map(chr, table[found.reshape(-1)]))
        values = pa.array([text[at : at + width] for at in range(0, count * width, width)], pa.string())
    return empty_as_null(pc.call_function("ascii_trim", [values], pc.TrimOptions(characters=" \0")))


def _packed(found: Bytes, field: Field) -> tuple[Bytes, np.ndarray, np.ndarray]:
    """Two digits a byte, the last half byte being the sign: C, A, E and F are plus, D and B minus."""
    halves = np.empty((found.shape[0], 2 * found.shape[1]), np.uint8)
    halves[:, 0::2], halves[:, 1::2] = found >> 4, found & 0x0F
    digits, sign = halves[:, :-1].copy(), halves[:, -1]
    negative = (sign == 0x0D) | (sign == 0x0B)
    bad = (digits > 9).any(axis=1) | (sign < 0x0A)
    return digits, negative, bad | (negative & (not field.signed))


def _zoned(found: Bytes, field: Field) -> tuple[Bytes, np.ndarray, np.ndarray]:
    """A digit a byte; the zone of the last (or first) one is the sign, unless that has a byte of its own."""
    leading = field.sign.startswith("leading")
    if field.sign.endswith("_separate"):
        marks, found = (found[:, 0], found[:, 1:]) if leading else (found[:, -1], found[:, :-1])
        negative = marks == _MINUS
        bad = ~(negative | (marks == _PLUS) | (marks == BLANK))
        zones = found >> 4
    else:
        zones = found >> 4
        sign = zones[:, 0 if leading else -1].copy()
        negative, bad = (sign == 0x0D) | (sign == 0x0B), sign < 0x0A
        zones[:, 0 if leading else -1] = 0x0F
    digits = (found & 0x0F).copy()
    bad = bad | (digits > 9).any(axis=1) | (zones != 0x0F).any(axis=1)
    return digits, negative, bad | (negative & (not field.signed))


def _binary(found: Bytes, field: Field) -> pa.Array:
    """Big-endian, two's complement where it is signed."""
    count, width = found.shape
    filled = np.zeros((count, 8), np.uint8)
    filled[:, 8 - width :] = found
    if field.signed:
        filled[:, : 8 - width] = np.where(found[:, :1] & 0x80, 0xFF, 0)
    numbers = filled.view(">i8").reshape(-1).astype(np.int64)
    if field.type == pa.int64():
        return pa.array(numbers)
    high = np.zeros(count, np.int64) if not field.signed else numbers >> 63
    return _decimals(numbers, high, field.type, None)


def _numbers(digits: Bytes, negative: np.ndarray, null: np.ndarray, field: Field) -> pa.Array:
    kind = field.type
    if digits.shape[1] <= _LIMB:
        numbers = _joined(digits)
        numbers = np.where(negative, -numbers, numbers)
        if kind == pa.int64():
            return pa.array(numbers, mask=null)
        return _decimals(numbers, numbers >> 63, kind, null)
    low, high = _joined(digits[:, -_LIMB:]), _joined(digits[:, :-_LIMB])
    signs = np.where(negative, -1, 1)
    wide = [pa.array(part * signs).cast(pa.decimal256(19, 0)) for part in (high, low)]
    whole = pc.add(pc.multiply(wide[0], pa.scalar(10**_LIMB).cast(pa.decimal256(19, 0))), wide[1])
    exact = whole.cast(pa.decimal128(_WIDE, 0))
    texts = pa.Array.from_buffers(kind, len(exact), [None, exact.buffers()[1]])
    return pc.if_else(pa.array(null), pa.scalar(None, kind), texts)


def _joined(digits: Bytes) -> np.ndarray:
    """At most 18 digits a row as int64."""
    numbers = np.zeros(digits.shape[0], np.int64)
    for column in digits.T:
        numbers = numbers * 10 + column
    return numbers


def _decimals(low: np.ndarray, high: np.ndarray, kind: pa.DataType, null: np.ndarray | None) -> pa.Array:
    limbs = np.empty((len(low), 2), np.int64)
    limbs[:, 0], limbs[:, 1] = low, high
    valid = None if null is None or not null.any() else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(low), [valid, pa.py_buffer(limbs)])

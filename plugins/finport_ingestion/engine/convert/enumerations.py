"""Enumerations: texts of which a column has few, each of them often. A label of the column, never its type.

What counts is the same whatever the cut into batches: a set of distinct values that is given up as soon as it is larger
than any list of codes, or holds what is no code. Counting costs next to nothing: short texts are compared as machine
integers with those that are known already, and a column of many values is given up within its first ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import moments, numerals
from finport_ingestion.engine.convert.decorated import could_be_decorated

MOST_VALUES = 64
"""Distinct ones: sides, statuses, currencies, countries of one book; not the names of counterparties."""
LONGEST_BYTES = 40
"""A longer text is a sentence."""
TIMES = 10
"""How often a value stands there on average: then values that were not seen yet are few, and a list is worth a look."""
_FIRST_VALUES = 256
_MANY_VALUES = 16_384  # what the processor's cache holds
_WORD_BYTES = 8
_MOST_COMPARED = 16
"""Known values up to which comparing with each of them is faster than hashing."""
_MASKS = {
    size: np.array([(1 << 8 * length) - 1 for length in range(size + 1)], dtype=f"<u{size}")
    for size in (1, 2, 4, _WORD_BYTES)
}
"""The bytes of a word that are of a text of that length, by the word's size."""
_DIGIT = re.compile("[0-9]")

Words = npt.NDArray[np.unsignedinteger[Any]]


def is_enumeration(choices: frozenset[str], count: int) -> bool:
    """Whether `count` values (nulls apart) that are these distinct ones are those of a list.

    One value alone is a constant: it says nothing of a list.
    """
    return len(choices) > 1 and len(choices) * TIMES <= count


def distinct(values: pa.StringArray) -> frozenset[str] | None:
    """The distinct values; None where they are too many, or one of them is none of an enumeration."""
    found = _known(values.slice(0, _FIRST_VALUES))
    if found is None or len(values) <= _FIRST_VALUES or _are_among(values, found):
        return found
    return _known(values)


def merged(one: frozenset[str], other: frozenset[str]) -> frozenset[str] | None:
    """The distinct values of two halves of a column."""
    both = one | other
    return both if len(both) <= MOST_VALUES else None


@lru_cache(maxsize=4096)
def could_be(text: str) -> bool:
    """Whether `text` may be one of a list: short, and no number or moment, which are values of another type.

    One character is a code, also where it is a digit.
    """
    if len(text.encode()) > LONGEST_BYTES:
        return False
    if len(text) == 1 or not _DIGIT.search(text):
        return True
    number = re.fullmatch(numerals.FLOAT, text) or could_be_decorated(text)
    return not number and not moments.could_be(text)


def _known(values: pa.StringArray) -> frozenset[str] | None:
    unique = pc.unique(values).drop_null()
    if len(unique) > MOST_VALUES:
        return None
    found = unique.to_pylist()
    return frozenset(found) if all(map(could_be, found)) else None


def _are_among(values: pa.StringArray, known: frozenset[str]) -> bool:
    """Whether every value is one of the known ones, as far as a fast look can say so."""
    codes = {int.from_bytes(text.encode(), "little") for text in known}
    if len(codes) > _MOST_COMPARED or max(codes, default=0) >> 8 * _WORD_BYTES:
        return False
    parts = (values.slice(start, _MANY_VALUES) for start in range(0, len(values), _MANY_VALUES))
    return all(_holds(codes, part) for part in parts)


def _holds(codes: set[int], values: pa.StringArray) -> bool:
    words = _words(values)
    if words is None:
        return False
    other = np.ones(len(words), dtype=np.bool_)
    for code in {*codes, 0} if values.null_count else codes:
        other &= words != code
    return not other.any()


def _words(values: pa.StringArray) -> Words | None:
    """Each value as a machine word, zeros behind it, and null as 0; None where that does not say which text it is."""
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    sizes = np.diff(offsets)
    longest, buffer = int(sizes.max()), values.buffers()[2]
    if values.null_count and ((sizes > 0) != np.asarray(values.is_valid())).any():
        return None
    if longest == 0:
        return np.zeros(len(sizes), dtype=np.uint8)
    if buffer is None or longest > _WORD_BYTES:
        return None
    content = np.frombuffer(buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    if not content.all():
        return None
    alike = bool((sizes == longest).all())
    if alike and longest in _MASKS:
        whole: Words = content.view(f"<u{longest}")
        return whole
    # A word may be read from any byte on, as long as there are enough behind it.
    size = 4 if longest <= 4 else _WORD_BYTES
    padded = np.concatenate([content, np.zeros(size, dtype=np.uint8)])
    step = longest if alike else 1
    begun: Words = np.ndarray(((len(padded) - size) // step + 1,), f"<u{size}", padded, strides=(step,))
    found = begun[: len(sizes)] if alike else begun.take(offsets[:-1] - offsets[0])
    cut: Words = found & _MASKS[size].take(sizes)
    return cut

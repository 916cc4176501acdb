"""Decimals out of the two's complement integers that files store, whatever precision they claim."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

_SMALL, _LARGE = 16, 32  # bytes
_DIGITS_128, _DIGITS_256, _DIGITS_OF_128_BITS = 38, 76, 39


def corrected(values: pa.Array) -> pa.Array:
    """`values` with the precision that they need, where they have more digits than their type says.

    Raises:
        ArrowInvalid: They have more digits than any decimal.
    """
    scale = values.type.scale
    if pa.types.is_decimal256(values.type):
        return _proved(_like(values, pa.decimal256(_DIGITS_256, scale)))
    try:
        return _proved(_like(values, pa.decimal128(_DIGITS_128, scale)))
    except pa.ArrowInvalid:
        buffer = values.buffers()[1]
        words = np.frombuffer(buffer, np.uint8, len(values) * _SMALL, values.offset * _SMALL).reshape(-1, _SMALL)
        return _proved(from_words(words, values.is_valid(), scale=scale))


def from_words(words: np.ndarray, valid: pa.BooleanArray, *, scale: int) -> pa.Array:
    """Decimals of 256 bits out of little-endian two's complement words of at most 32 bytes, one a row."""
    wide = np.repeat(np.where(words[:, -1:] & 0x80, 0xFF, 0).astype(np.uint8), _LARGE, axis=1)
    wide[:, : words.shape[1]] = words
    kind = pa.decimal256(max(_DIGITS_OF_128_BITS, scale), scale) if words.shape[1] <= _SMALL else None
    return _with_mask(wide, kind or pa.decimal256(_DIGITS_256, scale), valid)


def small_from_words(words: np.ndarray, valid: pa.BooleanArray, *, precision: int, scale: int) -> pa.Array:
    """Decimals of 128 bits out of little-endian two's complement words of 16 bytes."""
    return _with_mask(words, pa.decimal128(precision, scale), valid)


def _with_mask(words: np.ndarray, kind: pa.DataType, valid: pa.BooleanArray) -> pa.Array:
    mask = None if valid.false_count == 0 else pa.array(np.asarray(valid)).buffers()[1]
    return pa.Array.from_buffers(kind, len(words), [mask, pa.py_buffer(np.ascontiguousarray(words))])


def _like(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), values.buffers(), offset=values.offset)


def _proved(values: pa.Array) -> pa.Array:
    values.validate(full=True)
    return values

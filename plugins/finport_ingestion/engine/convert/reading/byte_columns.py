"""Columns of records of fixed bytes: texts with their padding off, cut out of many records at once."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.transcoding import find_encoding

Bytes = npt.NDArray[np.uint8]
_PADDING = " \0"
_UNUSUAL_ROWS = 1_000  # of a block: enough to tell an encoding
_ASCII = bytes(range(32, 127))


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a column; where the bytes were not of the encoding there is null and its position in `wrong`."""

    values: pa.StringArray
    wrong: tuple[int, ...] = ()


def raw_values(block: Bytes) -> pa.BinaryArray:
    """Each row of `block`, of shape (records, width), as bytes."""
    count, width = block.shape
    if width == 0:
        return pa.array([b""] * count, pa.binary())
    content = pa.py_buffer(np.ascontiguousarray(block))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, content]).cast(pa.binary())


def texts(block: Bytes, *, encoding: str, lead: bool = False) -> Texts:
    """Each row of `block` as text without the blanks and NULs behind it, null where nothing is left.

    Args:
        encoding: Of Python's codecs.
        lead: Blanks in front are padding too.
    """
    ascii_only = not bool((block & 0x80).any())
    if not ascii_only and encoding != "utf-8":
        return _decoded(block, encoding, lead=lead)
    try:
        values = raw_values(block).cast(pa.string())
    except pa.ArrowInvalid:
        return _decoded(block, encoding, lead=lead)
    trimmed = (pc.utf8_trim if lead else pc.utf8_rtrim)(values, characters=_PADDING)
    return Texts(blank_as_null(trimmed))


def unusual_texts(block: Bytes) -> bytes:
    """Texts that are not ASCII, a line each: what tells an encoding."""
    odd = block[(block & 0x80).any(axis=1)]
    return b"".join(row.tobytes().rstrip(b" \0") + b"\n" for row in odd[:_UNUSUAL_ROWS])


def encoding_of(unusual: bytes, *, declared: str | None) -> str:
    """The declared encoding, or the one that texts seem to have: a code page, in which ASCII is ASCII.

    Raises:
        ConfigError: Python knows no encoding of the declared name.
    """
    found = find_encoding(io.BytesIO(unusual), declared=declared).name
    if declared is None and _ASCII.decode(found, "replace") != _ASCII.decode():
        return "cp1252"
    return found


def blank_as_null(values: pa.StringArray) -> pa.StringArray:
    """`values` with null for texts of no characters."""
    return pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, pa.string()), values)


def _decoded(block: Bytes, encoding: str, *, lead: bool) -> Texts:
    found: list[str | None] = []
    wrong: list[int] = []
    for at, content in enumerate(raw_values(block).to_pylist()):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            wrong.append(at)
            found.append(None)
            continue
        found.append((text.strip(_PADDING) if lead else text.rstrip(_PADDING)) or None)
    return Texts(pa.array(found, pa.string()), tuple(wrong))

"""Where the columns of fixed-width text stand, and one window of lines cut into them by Arrow's kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BLANKS = " \t"
_FEW = 256


@dataclass(frozen=True, slots=True)
class Place:
    """A column: characters (or bytes) from `start`, 0-based, up to `end`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that decides where a field begins and ends."""

    places: tuple[Place, ...]
    header: bool = False
    skip_lines: int | None = None  # None: lines of a preamble are found out
    trim: str = "both"
    nulls: tuple[str, ...] = ("",)
    record_length: int | None = None  # of a file without line ends
    encoding: str | None = None
    in_bytes: bool = False  # positions count bytes of the file's encoding

    @property
    def end(self) -> int:
        return max(place.end for place in self.places)

    @property
    def last_start(self) -> int:
        return max(place.start for place in self.places)

    @property
    def names(self) -> list[str]:
        return [place.name for place in self.places]


def cut_columns(lines: pa.BinaryArray, layout: Layout, *, codec: str | None, threads: int = 1) -> list[pa.StringArray]:
    """Each column of `lines`, trimmed, null where it is a null text; what a line is too short for is null.

    Args:
        lines: Without their ends where they are shorter than the layout; UTF-8, or with `codec` bytes of that encoding.

    Raises:
        UnicodeDecodeError, pa.ArrowInvalid: A position that counts bytes cuts a character in two.
    """
    how = _cutter(lines, layout, codec)
    if threads == 1 or len(lines) < _FEW:
        return [_finished(how(place), layout) for place in layout.places]
    with ThreadPoolExecutor(min(threads, len(layout.places))) as pool:
        return list(pool.map(lambda place: _finished(how(place), layout), layout.places))


def _cutter(lines: pa.BinaryArray, layout: Layout, codec: str | None) -> Callable[[Place], pa.Array]:
    if codec is not None:
        return lambda place: _decoded(pc.binary_slice(lines, place.start, place.end), codec)
    if layout.in_bytes or is_ascii(lines):
        return lambda place: _as_text(pc.binary_slice(lines, place.start, place.end), proved=not layout.in_bytes)
    texts = lines.view(pa.string())
    return lambda place: pc.utf8_slice_codeunits(texts, place.start, place.end)


def _as_text(values: pa.BinaryArray, *, proved: bool) -> pa.StringArray:
    return values.view(pa.string()) if proved else values.cast(pa.string())


def _decoded(values: pa.BinaryArray, codec: str) -> pa.StringArray:
    """By each distinct value, since columns of multi-byte encodings repeat themselves."""
    encoded = values.dictionary_encode()
    texts = pa.array([value.decode(codec) for value in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _finished(values: pa.StringArray, layout: Layout) -> pa.StringArray:
    side = {"both": "trim", "left": "ltrim", "right": "rtrim"}.get(layout.trim)
    if side is not None:
        # The kernels for ASCII cut single bytes off, and blanks are such in any UTF-8 text: three times as fast.
        values = pc.call_function(f"ascii_{side}", [values], pc.TrimOptions(characters=_BLANKS))
    return without(values, layout.nulls)


def without(values: pa.StringArray, nulls: Sequence[str]) -> pa.StringArray:
    """`values` with null for each text of `nulls`."""
    others = [text for text in nulls if text]
    if others:
        values = pc.if_else(pc.is_in(values, value_set=pa.array(others)), pa.scalar(None, pa.string()), values)
    return empty_as_null(values) if "" in nulls else values


def empty_as_null(values: pa.StringArray) -> pa.StringArray:
    """The same buffers with a validity that says which texts are empty: no copy."""
    _, offsets, data = values.buffers()
    at = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4) if len(values) else np.zeros(1, np.int32)
    filled = at[1:] > at[:-1]
    if filled.all():
        return values
    if values.null_count:
        filled &= np.asarray(values.is_valid())
    if values.offset:
        values = pa.concat_arrays([values])
        _, offsets, data = values.buffers()
    bits = pa.py_buffer(np.packbits(filled, bitorder="little"))
    return pa.StringArray.from_buffers(len(values), offsets, data, bits)


def is_ascii(values: pa.Array) -> bool:
    """Whether every byte of it is ASCII, looked up in the buffer."""
    _, offsets, data = values.buffers()
    if not len(values) or data is None:
        return True
    at = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4)
    found = np.frombuffer(data, np.uint8, int(at[-1] - at[0]), int(at[0]))
    return not len(found) or int(found.max()) < 0x80

"""The header of a NumPy array file: what follows it is the array's bytes and nothing else."""

from __future__ import annotations

import ast
import math
import struct
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

MAGIC = b"\x93NUMPY"
_MOST_HEADER_BYTES = 1 << 16
_KEYS = {"descr", "fortran_order", "shape"}


class NoArray(ValueError):
    """No header of an array; the message continues "array 'x' "."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the bytes behind a header are."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    by_column: bool  # the first index runs fastest
    header_bytes: int

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape[1:])

    @property
    def size_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)


def read_layout(stream: IO[bytes]) -> Layout:
    """The layout of the array at which `stream` stands; leaves it at the array's bytes. Evaluates literals only.

    Raises:
        NoArray: There is none.
    """
    start = stream.read(8)
    if len(start) < 8 or not start.startswith(MAGIC) or start[6] not in (1, 2, 3):
        raise NoArray("is no NumPy array")
    width = 2 if start[6] == 1 else 4
    length = stream.read(width)
    if len(length) < width:
        raise NoArray("ends in its header")
    size = struct.unpack("<H" if width == 2 else "<I", length)[0]
    if size > _MOST_HEADER_BYTES:
        raise NoArray(f"has a header of {size} bytes")
    text = stream.read(size)
    if len(text) < size:
        raise NoArray("ends in its header")
    return _layout(text.decode("utf-8" if start[6] == 3 else "latin-1", "replace"), header_bytes=8 + width + size)


def _layout(text: str, *, header_bytes: int) -> Layout:
    try:
        found = ast.literal_eval(text.strip())
        if not isinstance(found, dict) or set(found) != _KEYS:
            raise NoArray("has a header of other keys than NumPy writes")
        dtype = np.lib.format.descr_to_dtype(found["descr"])
        shape = tuple(found["shape"])
    except NoArray:
        raise
    except (ValueError, TypeError, SyntaxError, KeyError, IndexError, RecursionError, MemoryError) as error:
        raise NoArray("has a header that NumPy does not write") from error
    whole = all(isinstance(length, int) and not isinstance(length, bool) and length >= 0 for length in shape)
    if not whole or len(shape) > 32 or not isinstance(found["fortran_order"], bool):
        raise NoArray("has a header that NumPy does not write")
    return Layout(dtype=dtype, shape=shape, by_column=found["fortran_order"], header_bytes=header_bytes)

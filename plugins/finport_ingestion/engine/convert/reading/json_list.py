"""A JSON document that is one list of plain objects, at the speed of JSON lines: it is made into such, and proved so.

The objects are told by the braces outside strings; what stands between them has to be a comma and blanks. Everything
else is proved line by line, so a document that is not JSON, or holds anything but plain objects of the same keys, is
left to the exact way as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch
from finport_ingestion.engine.convert.reading.json_columns import Column
from finport_ingestion.engine.convert.reading.json_fast import proved_columns
from finport_ingestion.engine.convert.reading.json_template import in_strings

WINDOW_BYTES = 8 << 20
_BLANKS = b" \t\r\n"
_OPEN, _CLOSE, _COMMA, _NEWLINE, _SPACE = b"{},\n "
_BETWEEN = np.isin(np.arange(256), list(_BLANKS + b","))
_LINE_ENDS = np.isin(np.arange(256), list(b"\r\n"))


class _NoPlainListError(Exception):
    """The exact way has to read the document."""


def read_list(content: bytes, *, window_bytes: int = WINDOW_BYTES) -> Sequence[Batch] | None:
    """The records of a document, in order; None where it has to be read in the exact way."""
    begin, end = content.find(b"{"), content.rfind(b"]")
    if begin < 0 or content[:begin].strip(_BLANKS) != b"[" or content[end + 1 :].strip(_BLANKS) or end < begin:
        return None
    sizes: list[int] = []
    found: list[Batch] = []
    row = 0
    try:
        windows = _windows(np.frombuffer(content, np.uint8)[begin:end], window_bytes, sizes)
        for columns in proved_columns(windows):
            if columns is None:
                return None
            found.append(_batch(columns, row, sizes[-1]))
            row += found[-1].columns.num_rows
    except _NoPlainListError:
        return None
    return found


def _batch(found: Mapping[str, Column], row: int, size_bytes: int) -> Batch:
    columns = pa.RecordBatch.from_arrays([column.values for column in found.values()], names=list(found))
    return Batch(
        columns=columns,
        rows=pa.array(np.arange(row + 1, row + 1 + columns.num_rows)),
        origins={key: frozenset({column.origin}) for key, column in found.items() if column.origin},
        size_bytes=size_bytes,
    )


def _windows(content: np.ndarray, window_bytes: int, sizes: list[int]) -> Iterator[bytes]:
    """The objects of the list as lines, some at a time; their size in the document is added to `sizes`.

    Raises:
        _NoPlainListError: It is something else.
    """
    at = 0
    while at < len(content):
        window = content[at : at + window_bytes]
        lines, done = _lines(window, final=at + len(window) == len(content))
        sizes.append(done)
        yield lines
        at += done


def _lines(window: np.ndarray, *, final: bool) -> tuple[bytes, int]:
    """The whole objects of `window`, which begins with one, as lines, and how many bytes they take."""
    plain = ~in_strings(window)
    opens = np.flatnonzero((window == _OPEN) & plain)
    closes = np.flatnonzero((window == _CLOSE) & plain)
    # Of a window that is not the last one an object more is known to begin: behind the comma.
    count = len(closes) if final else min(len(closes), len(opens) - 1)
    gaps = count - 1 if final else count
    if count < 1 or (final and len(opens) != count) or opens[0] != 0:
        raise _NoPlainListError
    done = len(window) if final else int(opens[count])
    opens, closes = opens[: gaps + 1], closes[:count]
    inside = _inside(opens[:count], closes, done)
    commas = np.flatnonzero((window[:done] == _COMMA) & ~inside)
    between = len(commas) == gaps and bool((closes[:gaps] < commas).all() and (commas < opens[1:]).all())
    if not between or not bool(_BETWEEN[window[:done][~inside]].all()):
        raise _NoPlainListError
    lines = window[:done].copy()
    ends = _LINE_ENDS[lines] & plain[:done]
    lines[ends] = _SPACE
    lines[commas] = _NEWLINE
    inside[commas] = True
    return lines[inside].tobytes(), done


def _inside(opens: np.ndarray, closes: np.ndarray, size: int) -> np.ndarray:
    """Which bytes stand in an object, braces included."""
    if not bool((opens < closes).all() and (closes[:-1] < opens[1:]).all()):
        raise _NoPlainListError  # objects in objects
    steps = np.zeros(size + 1, np.int8)
    steps[opens] += 1
    steps[closes + 1] -= 1
    inside: np.ndarray = np.cumsum(steps[:size], dtype=np.int8).view(bool)
    return inside

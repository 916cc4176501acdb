"""Where the fields of SWIFT text stand: `:61:` at the beginning of a line begins one, up to where the next begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_COLON, _NEWLINE, _RETURN, _BLANK = ord(":"), ord("\n"), ord("\r"), ord(" ")
_ZERO, _LETTER = np.uint8(ord("0")), np.uint8(ord("A"))
_PADDING = bytes(8)
_NS = b":NS:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Some fields, in order, as places in `content`, which is UTF-8 with LF between lines."""

    content: bytes
    begins: Ints  # of the line with the tag
    values: Ints
    ends: Ints  # where the next field's line begins
    lines: Ints  # line ends before each field
    tags: pa.StringArray

    def __len__(self) -> int:
        return len(self.begins)

    def chosen(self, kept: Flags) -> Fields:
        """Some of the fields; the others become part of those before them."""
        begins = self.begins[kept]
        return Fields(
            content=self.content,
            begins=begins,
            values=self.values[kept],
            ends=np.append(begins[1:], len(self.content))[: len(begins)].astype(np.int64),
            lines=self.lines[kept],
            tags=self.tags.filter(pa.array(kept)),
        )

    def texts(self, ends: Ints, *, blanks: Flags) -> pa.StringArray:
        """The values, without the line ends behind them.

        Args:
            ends: Where they end.
            blanks: Which of them lose the blanks at their end, too.
        """
        return slices(self.content, self.values, _trimmed(self.content, self.values, ends, blanks))


def with_line_feeds(content: bytes) -> bytes:
    """`content` with LF at the end of each line, whatever it had."""
    if b"\r" not in content:
        return content
    # Some programs put a CR before each line end that has one already.
    while b"\r\n" in content:
        content = content.replace(b"\r\n", b"\n")
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def find_fields(content: bytes) -> Fields:
    """The fields of `content`."""
    padded = np.frombuffer(content + _PADDING, np.uint8)
    breaks = np.flatnonzero(padded[: len(content)] == _NEWLINE)
    starts = np.append(0, breaks + 1).astype(np.int64)
    candidates = np.flatnonzero(padded[starts] == _COLON)
    begins = starts[candidates]
    digits = _is_digit(padded[begins + 1]) & _is_digit(padded[begins + 2])
    short = digits & (padded[begins + 3] == _COLON)
    long = digits & ((padded[begins + 3] - _LETTER) < 26) & (padded[begins + 4] == _COLON)
    special = (padded[begins + 1] == _NS[1]) & (padded[begins + 2] == _NS[2]) & (padded[begins + 3] == _COLON)
    kept = short | long | special
    begins, candidates = begins[kept], candidates[kept]
    values = begins + np.where(long[kept], 5, 4)
    return Fields(
        content=content,
        begins=begins,
        values=values,
        ends=np.append(begins[1:], len(content))[: len(begins)].astype(np.int64),
        lines=candidates.astype(np.int64),
        tags=slices(content, begins + 1, values - 1),
    )


def slices(content: bytes, begins: Ints, ends: Ints) -> pa.StringArray:
    """The texts between places that follow each other."""
    if len(begins) == 0:
        return pa.array([], pa.string())
    offsets = np.empty(2 * len(begins), np.int32)
    offsets[0::2], offsets[1::2] = begins, ends
    every = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(content))
    return every.take(pa.array(np.arange(0, len(offsets), 2)))


def _trimmed(content: bytes, begins: Ints, ends: Ints, blanks: Flags) -> Ints:
    found = np.frombuffer(content, np.uint8)
    ends = ends.copy()
    going = np.arange(len(ends))
    while len(going):
        last = found[np.maximum(ends[going] - 1, 0)]
        loses = (last == _NEWLINE) | (last == _RETURN) | ((last == _BLANK) & blanks[going])
        going = going[loses & (ends[going] > begins[going])]
        ends[going] -= 1
    return ends


def _is_digit(found: npt.NDArray[np.uint8]) -> Flags:
    flags: Flags = (found - _ZERO) < 10
    return flags


def whole_units(content: bytes, mark: bytes, *, first: bool) -> bytes:
    """What a slice of a file holds from the first mark of a unit to its last one, whose unit may be cut.

    Args:
        first: It is the file's beginning; a unit that is longer is then better than none.
    """
    begin = 0 if first else content.find(mark)
    end = content.rfind(mark, begin + 1) if begin >= 0 else -1
    if end > begin:
        return content[begin:end]
    return content if first else b""

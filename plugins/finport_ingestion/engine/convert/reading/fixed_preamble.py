"""What stands above the first record of fixed-width text, told by the lengths of the lines."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.fixed_layout import Layout

_LONGEST = 100
_FOLLOWING = 20
_LOOKED_AT = 100


def count_preamble(lines: pa.BinaryArray, layout: Layout) -> int:
    """How many of the first lines are no records.

    A line that does not reach the last column may be a record whose trailing blanks were cut. Where all later lines
    reach it, and there are many of them, nobody cut blanks: then the first ones are a preamble.
    """
    lengths = np.asarray(pc.binary_length(lines))
    reaches = lengths > layout.last_start
    if not len(reaches) or reaches[0] or not reaches.any():
        return 0
    first = int(reaches.argmax())
    later = reaches[first:] | (lengths[first:] == 0)
    return first if first <= _LONGEST and len(later) >= max(_FOLLOWING, first) and bool(later.all()) else 0


def starts_too_late(lines: pa.BinaryArray, layout: Layout) -> bool:
    """Whether the layout leaves out exactly one character at the beginning, and there always is one."""
    if min(place.start for place in layout.places) != 1:
        return False
    first = [line[:1] for line in lines.slice(0, _LOOKED_AT).to_pylist() if line.strip()]
    return bool(first) and all(byte.strip() for byte in first)

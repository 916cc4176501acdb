"""The messages of a piece of a FIX log as the rows of two tables: a row a message, and a row a field."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading import fix_values
from finport_ingestion.engine.convert.reading.fix_columns import (
    AS_DELIVERED,
    FIELD_TYPES,
    KINDS,
    Kind,
    places_of,
)
from finport_ingestion.engine.convert.reading.fix_dictionary import TAG_NAMES
from finport_ingestion.engine.convert.reading.fix_scan import Scan, whole_numbers
from finport_ingestion.engine.convert.reading.fix_tags import Ints

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_MOMENTS = {Kind.DATE: fix_values.dates, Kind.TIMESTAMP: fix_values.timestamps}
_NAMES = pa.array([TAG_NAMES.get(tag) for tag in range(max(TAG_NAMES) + 2)], pa.string())


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that is not what its tag says."""

    message: int  # from 0, among those of the piece
    tag: int


@dataclass(slots=True)
class TableMaker:
    """Makes columns out of the fields of one scan."""

    found: Scan
    pieces: pa.StringArray  # the values, each but the last with what stands behind it
    misfits: list[Misfit]  # numbers that are none: their messages are not to be trusted
    scales: dict[int, int]  # the most digits behind the point, by tag
    vague: list[Misfit]  # dates and moments that are none, or finer than a microsecond

    @classmethod
    def of(cls, found: Scan) -> TableMaker:
        """For the fields of `found`, whose content is UTF-8."""
        offsets = np.empty(2 * len(found.values), np.int32)
        offsets[0::2], offsets[1::2] = found.values, found.value_ends
        count = max(len(offsets) - 1, 0)
        buffers = (pa.py_buffer(offsets), pa.py_buffer(found.content))
        return cls(
            found, pa.StringArray.from_buffers(count, *buffers) if count else pa.array([], pa.string()), [], {}, []
        )

    def tag_columns(self) -> dict[str, pa.StringArray]:
        """Of each tag with a column of its own the first value in each message."""
        found, count = self.found, len(self.found.starts)
        places = places_of(found.tags)
        some = np.flatnonzero(places >= 0)
        some = some[np.argsort(places[some], kind="stable")]
        bounds = np.searchsorted(places[some], np.arange(len(KINDS) + 1))
        columns: dict[str, pa.StringArray] = {}
        late: dict[str, pa.StringArray] = {}
        nothing = pa.nulls(count, pa.string())
        for place, (tag, kind) in enumerate(KINDS.items()):
            fields = some[bounds[place] : bounds[place + 1]]
            if len(fields) > 1:
                rows = found.message[fields]
                first = np.append(True, rows[1:] != rows[:-1])
                fields = fields if first.all() else fields[first]
            values, others = self._values(fields, tag, kind) if len(fields) else (nothing, fields)
            columns[TAG_NAMES[tag]] = values
            if tag in AS_DELIVERED:
                late[AS_DELIVERED[tag]] = self._take(others) if len(others) else nothing
        return columns | late

    def _take(self, fields: Ints) -> pa.StringArray:
        """The values of some fields, in the rows of their messages; null in the others."""
        count = len(self.found.starts)
        if len(fields) == count:
            return self.pieces.take(pa.array(2 * fields))
        places = np.full(count, -1, np.int64)
        places[self.found.message[fields]] = 2 * fields
        return self.pieces.take(pa.array(places, mask=places < 0))

    def _values(self, fields: Ints, tag: int, kind: Kind) -> tuple[pa.StringArray, Ints]:
        """The values of some fields of one tag in the rows of their messages, and the fields with other values."""
        if kind is Kind.TEXT:
            return self._take(fields), fields[:0]
        begins, ends = self.found.values[fields], self.found.value_ends[fields]
        if kind in _MOMENTS:
            moments = _MOMENTS[kind](self.found.padded, begins, ends)
            others = fields[moments.others & (ends > begins)]
            self.vague += [Misfit(message, tag) for message in self.found.message[others].tolist()]
            return self._in_rows(moments.texts, fields), others
        if kind is Kind.INTEGER:
            zeros = (self.found.padded[begins] == ord("0")) & (ends - begins > 1)
            unusual = zeros | (whole_numbers(self.found, begins, ends) < 0)
        else:
            unusual, scale = fix_values.look_at_numbers(self.found.padded, begins, ends)
            self.scales[tag] = scale
        values = self._take(fields)
        return (self._plain(values, fields[unusual], tag, kind) if unusual.any() else values), fields[:0]

    def _plain(self, values: pa.StringArray, fields: Ints, tag: int, kind: Kind) -> pa.StringArray:
        """`values` with those of some fields as plain numbers, null for what is none."""
        rows = self.found.message[fields]
        plain: list[str | None] = []
        for row, text in zip(rows.tolist(), values.take(pa.array(rows)).to_pylist(), strict=True):
            number = fix_values.plain_number(text) if kind is Kind.DECIMAL or _INTEGER.fullmatch(text) else None
            plain.append(number)
            if number is None and text:
                self.misfits.append(Misfit(row, tag))
        mask = np.zeros(len(values), np.bool_)
        mask[rows] = True
        return pc.replace_with_mask(values, pa.array(mask), pa.array(plain, pa.string()))

    def _in_rows(self, values: pa.StringArray, fields: Ints) -> pa.StringArray:
        count = len(self.found.starts)
        if len(values) == count:
            return values
        places = np.full(count, -1, np.int64)
        places[self.found.message[fields]] = np.arange(len(fields))
        return values.take(pa.array(places, mask=places < 0))

    def field_columns(self, numbers: Ints) -> dict[str, pa.StringArray]:
        """A row a field; `numbers` are those of the messages in the file."""
        found = self.found
        firsts = np.searchsorted(found.message, np.arange(len(found.starts)))
        positions = np.arange(len(found.message)) - firsts[found.message] + 1
        names = pa.array(np.minimum(found.tags, len(_NAMES) - 1))
        columns = (
            pa.array(numbers[found.message]).cast(pa.string()),
            pa.array(positions).cast(pa.string()),
            pa.array(found.tags).cast(pa.string()),
            _NAMES.take(names),
            self.pieces.take(pa.array(np.arange(0, 2 * len(found.tags), 2))),
        )
        return dict(zip(FIELD_TYPES, columns, strict=True))

"""What FIX messages say of their own bytes, compared with the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.fix_dictionary import TAG_NAMES
from finport_ingestion.engine.convert.reading.fix_scan import Scan
from finport_ingestion.engine.convert.reading.fix_tags import Flags, Ints
from finport_ingestion.engine.convert.reading.transcoding import Encoding

_BODY_LENGTH, _CHECKSUM = 9, 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of each message, whether BodyLength is its length and CheckSum its sum."""

    lengths: Flags
    sums: Flags

    @property
    def spelled_lengths(self) -> pa.StringArray:
        return _spelled(self.lengths)

    @property
    def spelled_sums(self) -> pa.StringArray:
        return _spelled(self.sums)


def verify(found: Scan, columns: dict[str, pa.StringArray], encoding: Encoding | None) -> Verdict:
    """Compare.

    Args:
        columns: Those of the messages.
        encoding: Of the file, where its bytes are not the UTF-8 that `found` has.
    """
    begins = _body_begins(found)
    lengths, sums = found.trailers - begins, _sums(found)
    if encoding is not None and encoding.seekable and not found.content.isascii():
        for number, body, whole in _recoded(found, begins, encoding):
            lengths[number], sums[number] = body, whole
    stated = _stated(columns[TAG_NAMES[_BODY_LENGTH]], "^[0-9]{1,18}$")
    return Verdict(stated == lengths, _stated(columns[TAG_NAMES[_CHECKSUM]], "^[0-9]{1,3}$") == sums)


def _stated(values: pa.StringArray, pattern: str) -> Ints:
    digits = pc.match_substring_regex(values, pattern).fill_null(False)
    numbers: Ints = pc.if_else(digits, values, "-1").cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _body_begins(found: Scan) -> Ints:
    """Where the bytes begin that BodyLength counts; beyond any content where a message has none."""
    begins = found.trailers + 1
    firsts = np.searchsorted(found.message, np.arange(len(found.starts)))
    second = np.minimum(firsts + 1, max(len(found.tags) - 1, 0))
    here = np.flatnonzero(found.tags[second] == _BODY_LENGTH) if len(found.tags) else second
    begins[here] = found.value_ends[second[here]] + 1
    return begins


def _sums(found: Scan) -> Ints:
    """The sum of the bytes of each message before its CheckSum field, modulo 256."""
    if len(found.starts) == 0:
        return np.zeros(0, np.int64)
    bounds = np.empty(2 * len(found.starts), np.int64)
    bounds[0::2], bounds[1::2] = found.starts, found.trailers
    sums: Ints = np.add.reduceat(found.padded, bounds, dtype=np.uint8)[0::2].astype(np.int64)
    return sums


def _recoded(found: Scan, begins: Ints, encoding: Encoding) -> Iterator[tuple[int, int, int]]:
    """Number, body length and sum of the messages whose bytes in the file are others than those of `found`."""
    spans = zip(found.starts.tolist(), begins.tolist(), found.trailers.tolist(), strict=True)
    for number, (start, begin, trailer) in enumerate(spans):
        if not found.content[start:trailer].isascii():
            head, body = (_bytes(found.content[a:b], encoding) for a, b in ((start, begin), (begin, trailer)))
            yield number, len(body), (sum(head) + sum(body)) % 256


def _bytes(text: bytes, encoding: Encoding) -> bytes:
    return text.decode("utf-8", "surrogateescape").encode(encoding.name, "surrogateescape")


def _spelled(flags: Flags) -> pa.StringArray:
    return pc.if_else(pa.array(flags, pa.bool_()), "true", "false")

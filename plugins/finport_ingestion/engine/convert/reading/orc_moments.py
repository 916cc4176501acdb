"""Timestamps of ORC in years that nanoseconds do not reach, 9999 above all.

Arrow has them in nanoseconds or not at all, so these columns are decoded here: seconds since 2015 on the clock of the
writer, and the fraction beside them.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.int96 import smallest_unit
from finport_ingestion.engine.convert.reading.orc_integers import bits, integers
from finport_ingestion.engine.convert.reading.orc_tail import (
    DATA,
    PRESENT,
    SECONDARY,
    TIMESTAMP,
    TIMESTAMP_INSTANT,
    Column,
    OrcTail,
    Streams,
    Stripe,
)

_EPOCH = (2015, 1, 1)
_SECOND = 1_000_000_000  # nanoseconds
_MILLISECOND = 999_999  # what the ORC writer of Java counts from


def is_far(error: BaseException) -> bool:
    """Whether Arrow says that a moment is beyond its nanoseconds."""
    return "out of range for nanosecond" in str(error)


def moment_columns(tail: OrcTail) -> list[Column]:
    """The columns of moments at the top of the schema."""
    return [column for column in tail.columns if column.kind in (TIMESTAMP, TIMESTAMP_INSTANT)]


def read_moments(tail: OrcTail, stripe: Stripe, column: Column) -> pa.Array:
    """The values of a column in a stripe: microseconds, or nanoseconds or text where those are needed.

    Raises:
        ArrowInvalid: The stripe is damaged.
    """
    streams = tail.streams(stripe, column)
    valid = np.ones(stripe.rows, bool)
    if PRESENT in streams.content:
        valid = bits(streams.content[PRESENT], count=stripe.rows)
    seconds = _seconds(streams, count=int(valid.sum()), instant=column.kind == TIMESTAMP_INSTANT)
    fractions = _fractions(streams, count=len(seconds))
    # As the writer of Java rounds towards zero before 1970, and every reader knows.
    seconds -= (seconds < 0) & (fractions > _MILLISECOND)
    # As the writer of Arrow leaves fractions before 1970 negative.
    seconds, fractions = seconds + fractions // _SECOND, fractions % _SECOND
    whole, rest = np.zeros(stripe.rows, np.int64), np.zeros(stripe.rows, np.int64)
    whole[valid], rest[valid] = seconds, fractions
    found = smallest_unit(whole, rest, pa.array(valid))
    if column.kind == TIMESTAMP_INSTANT and pa.types.is_timestamp(found.type):
        return found.cast(pa.timestamp(found.type.unit, "UTC"))
    return found


def _seconds(streams: Streams, *, count: int, instant: bool) -> np.ndarray:
    """Since 1970, on the clock that the writer saw."""
    version = streams.second_version
    stored = integers(streams.content.get(DATA, b""), count=count, signed=True, second_version=version)
    try:
        zone = ZoneInfo("UTC" if instant else streams.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise pa.ArrowInvalid(f"a time zone '{streams.time_zone}' that nobody knows") from error
    since = int(datetime(*_EPOCH, tzinfo=zone).timestamp())
    seconds = np.array(stored, np.int64) + since
    if zone.key in ("UTC", "GMT", "Etc/UTC"):
        return seconds
    moments = pa.array(seconds).cast(pa.timestamp("s", zone.key))
    return np.array(pc.local_timestamp(moments).cast(pa.int64()))


def _fractions(streams: Streams, *, count: int) -> np.ndarray:
    """Nanoseconds. Zeros at their end are counted in the last three bits."""
    version = streams.second_version
    stored = integers(streams.content.get(SECONDARY, b""), count=count, signed=False, second_version=version)
    found = [(value >> 3) * (10 ** ((value & 7) + 1) if value & 7 else 1) for value in stored]
    if any(abs(value) >= _SECOND for value in found):
        raise pa.ArrowInvalid("a fraction of more than a second")
    return np.array(found, np.int64)

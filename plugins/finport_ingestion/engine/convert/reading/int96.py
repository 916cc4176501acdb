"""INT96 timestamps of Parquet, exactly, in every year that they hold.

Arrow gives them as seconds, which hold every value, or as nanoseconds modulo 2**64. Both together are the moment:
the seconds say which turn of the nanoseconds it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.value_texts import stamp_texts
from finport_ingestion.engine.errors import FormatError

_BILLION = 1_000_000_000
_NS_SECONDS = 9_223_372_036  # that nanoseconds reach, either side of 1970
_US_SECONDS, _US_REST = 9_223_372_036_854, 775_808_000  # the last second that microseconds reach, and its end
_DAY_SECONDS = 86_400
_EPOCH_JULIAN_DAY = 2_440_588
_SIGN = 1 << 31
_NEGATIVE_DAY_SECONDS = (_SIGN - _EPOCH_JULIAN_DAY) * _DAY_SECONDS  # a Julian day with its sign bit set is behind this
_TURN = 1 << 64


def int96_columns(seconds: pa.Schema, nanoseconds: pa.Schema) -> list[int]:
    """Positions of the columns that are INT96, or hold some: the unit that Arrow was asked for shows there only."""
    return [at for at, (one, other) in enumerate(zip(seconds, nanoseconds, strict=True)) if one.type != other.type]


class Int96:
    """The INT96 columns of one file."""

    def __init__(self, raw: RawFile, columns: Sequence[int]) -> None:
        self._raw = raw
        self._columns = columns
        self.names: list[str] = []

    def schema(self, seconds: pa.Schema) -> pa.Schema:
        """What `joined` gives where every value fits microseconds."""
        self.names = [seconds.field(at).name for at in self._columns]
        for at in self._columns:
            field = seconds.field(at)
            if pa.types.is_timestamp(field.type):
                seconds = seconds.set(at, field.with_type(pa.timestamp("us")))
        return seconds

    def joined(self, seconds: pa.RecordBatch | None, nanoseconds: pa.RecordBatch | None) -> pa.RecordBatch:
        """`seconds` with its INT96 columns in the smallest unit that they need."""
        if seconds is None or nanoseconds is None or _shape(nanoseconds) != (seconds.num_rows, len(self._columns)):
            raise FormatError(
                f"{self._raw.uri}: its INT96 columns cannot be told apart.", hint="ask for timestamps of 64 bits"
            )
        arrays = list(seconds.columns)
        for at, found in zip(self._columns, nanoseconds.columns, strict=True):
            if pa.types.is_timestamp(found.type):
                arrays[at] = _joined(arrays[at], found)
            else:
                self._refuse_far(arrays[at], seconds.schema.field(at).name)
                arrays[at] = found
        return pa.RecordBatch.from_arrays(arrays, names=seconds.schema.names)

    def _refuse_far(self, values: pa.Array, column: str) -> None:
        for moments in _moments_in(values):
            far = pc.greater(pc.abs_checked(moments.cast(pa.int64())), _NS_SECONDS - 1)
            if bool(pc.any(far, min_count=0).as_py()):
                raise FormatError(
                    f"{self._raw.uri}: column '{column}' has INT96 timestamps in a nested value, of a year that "
                    "nanoseconds do not reach.",
                    hint="ask for timestamps of 64 bits",
                )


def _shape(batch: pa.RecordBatch) -> tuple[int, int]:
    return batch.num_rows, batch.num_columns


def _joined(seconds: pa.Array, nanoseconds: pa.Array) -> pa.Array:
    whole = pc.fill_null(seconds.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    ticks = pc.fill_null(nanoseconds.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        rest = ticks - whole * _BILLION  # modulo 2**64 on both sides, and below a billion
    whole = whole.copy()
    for at in np.flatnonzero(whole >= _NEGATIVE_DAY_SECONDS):
        whole[at], rest[at] = _of_negative_day(int(whole[at]), int(ticks[at]))
    return smallest_unit(whole, rest, seconds.is_valid())


def smallest_unit(whole: np.ndarray, rest: np.ndarray, valid: pa.BooleanArray) -> pa.Array:
    """Microseconds, or nanoseconds where there are some; text where neither has the year and the digits."""
    within = (np.abs(whole) < _US_SECONDS) | (whole == _US_SECONDS) & (rest < _US_REST)
    if not np.any(rest % 1_000) and np.all(within):
        found = pa.array(whole * 1_000_000 + rest // 1_000).cast(pa.timestamp("us"))
    elif np.all(np.abs(whole) < _NS_SECONDS):
        found = pa.array(whole * _BILLION + rest).cast(pa.timestamp("ns"))
    else:
        days = stamp_texts(whole, "s", zoned=False)
        found = pa.array([f"{day}.{part:09d}" for day, part in zip(days, rest.tolist(), strict=True)], pa.string())
    return pc.if_else(valid, found, pa.scalar(None, found.type))


def _of_negative_day(seconds: int, ticks: int) -> tuple[int, int]:
    """A Julian day below zero, as Spark writes a moment whose microseconds since day 0 do not fit 64 bits.

    Its time of day is negative then, too. Arrow took both without their signs; Spark adds them up modulo 2**64.
    """
    largest = (_TURN - 1) // _BILLION
    unsigned = largest - (largest - seconds) % _DAY_SECONDS  # seconds of the time of day, as Arrow took it
    day = (seconds - unsigned) // _DAY_SECONDS + _EPOCH_JULIAN_DAY - 2 * _SIGN
    time_of_day = unsigned * _BILLION + (ticks - seconds * _BILLION) % _TURN - _TURN
    micros = (day - _EPOCH_JULIAN_DAY) * _DAY_SECONDS * 1_000_000 + time_of_day // 1_000
    signed = (micros + _TURN // 2) % _TURN - _TURN // 2
    return signed // 1_000_000, signed % 1_000_000 * 1_000 + time_of_day % 1_000


def _moments_in(values: pa.Array) -> list[pa.Array]:
    kind = values.type
    if pa.types.is_timestamp(kind):
        return [values] if kind.unit == "s" else []
    if pa.types.is_struct(kind):
        return [found for child in values.flatten() for found in _moments_in(child)]
    if pa.types.is_map(kind):
        return [*_moments_in(values.keys), *_moments_in(values.items)]
    return _moments_in(values.flatten()) if pa.types.is_nested(kind) else []

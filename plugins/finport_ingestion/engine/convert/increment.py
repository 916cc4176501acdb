"""Taking only what is new: rows below the last mark, or at it and taken before, are left out; the mark moves on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.digest import canonical
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.records import BEYOND, Watermark

_PARSERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "decimal": Decimal,
    "float": float,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "text": str,
    "identifier": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The field whose value grows, and from where on rows are new."""

    field: str
    after: Watermark | None = None
    start: str | None = None  # where the first run begins; rows at it are taken

    def to_plain(self) -> dict[str, Any]:
        after = self.after and {"value": self.after.value, "type": self.after.type, "ties": list(self.after.ties)}
        return {"field": self.field, "start": self.start, "after": after}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an increment did to a part."""

    top: str | None = None  # the highest value, canonical
    ties: frozenset[str] = frozenset()  # digests of the rows that have it
    known: frozenset[str] = frozenset()  # marked digests of rows beyond the last mark that an earlier run dealt with
    already_taken: int = 0
    before_start: int = 0
    without_value: int = 0

    def to_plain(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("already_taken", "before_start", "without_value")}
        return {"top": self.top, "ties": sorted(self.ties), "known": sorted(self.known), **counts}

    @staticmethod
    def from_plain(fields: Mapping[str, Any]) -> Taken:
        return Taken(**{**fields, "ties": frozenset(fields["ties"]), "known": frozenset(fields["known"])})


@dataclass(slots=True)
class Increment:
    """One pass over the rows of a part, behind a mark."""

    cursor: Cursor
    logical: LogicalType  # of the cursor's column, as it is written
    top: Any = None
    ties: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    already_taken: int = 0
    before_start: int = 0
    without_value: int = 0

    def old(self, values: pa.Array, digest: Callable[[int], str]) -> pa.BooleanArray | None:
        """Which rows were taken before, or come before the start; None where none is known to be. The others count.

        Args:
            values: The cursor's column.
            digest: Gives the digest of row `n` of the batch.
        """
        self.without_value += values.null_count
        drop: pa.BooleanArray | None = None
        mark = self._mark()
        if mark is not None and self.cursor.after is not None:
            drop = pc.fill_null(pc.less(values, mark), pa.scalar(False))
            drop = _with(drop, self._again(values, mark, digest))
            self.already_taken += _count(drop)
        elif mark is not None:
            drop = pc.fill_null(pc.less(values, mark), pa.scalar(False))
            self.before_start += _count(drop)
        self._raise_top(values if drop is None else pc.if_else(drop, pa.scalar(None, values.type), values), digest)
        return drop

    def result(self) -> Taken:
        return Taken(
            top=canonical(self.top),
            ties=frozenset(self.ties),
            known=frozenset(self.known),
            already_taken=self.already_taken,
            before_start=self.before_start,
            without_value=self.without_value,
        )

    def _mark(self) -> pa.Scalar | None:
        after, start = self.cursor.after, self.cursor.start
        if after is not None:
            value = comparable(after.value, parse_logical(after.type), self.logical)
        elif start is not None:
            value = comparable(start, self.logical, self.logical)
        else:
            return None
        return None if value is None else pa.scalar(value)

    def _again(self, values: pa.Array, mark: pa.Scalar, digest: Callable[[int], str]) -> set[int]:
        """Rows at the mark, or in quarantine beyond it, that an earlier run dealt with."""
        ties = frozenset(self.cursor.after.ties) if self.cursor.after else frozenset()
        if not ties:
            return set()
        held = {tie.removeprefix(BEYOND) for tie in ties if tie.startswith(BEYOND)}
        again = {position for position in _positions(pc.equal(values, mark)) if digest(position) in ties | held}
        # Without any, which is the rule, the rows beyond the mark need no digest.
        for position in _positions(pc.greater(values, mark)) if held else ():
            text = digest(position)
            if text in held:
                self.known.add(BEYOND + text)
                again.add(position)
        return again

    def _raise_top(self, values: pa.Array, digest: Callable[[int], str]) -> None:
        top = pc.max(values).as_py()
        if top is None or (self.top is not None and top < self.top):
            return
        if self.top is None or top > self.top:
            self.top, self.ties = top, set()
        self.ties.update(digest(position) for position in _positions(pc.equal(values, pa.scalar(top))))


def comparable(text: str, spelled_as: LogicalType, logical: LogicalType) -> Any:
    """The value that `text` spells, as one that compares with a column of `logical`; None where they do not compare."""
    numbers = ("integer", "decimal", "float")
    try:
        value = _PARSERS.get(spelled_as.kind, str)(text)
    except (ValueError, ArithmeticError):
        return None
    if logical.kind in numbers and spelled_as.kind in numbers:
        return value
    if logical.kind == "timestamp" and isinstance(value, date):
        return _moment(value, zoned=logical.time_zone is not None)
    if logical.kind == "date" and isinstance(value, datetime):
        return value.date()
    texts = ("text", "identifier")
    return value if logical.kind == spelled_as.kind or {logical.kind, spelled_as.kind} <= set(texts) else None


def next_watermark(cursor: Cursor, logical: LogicalType, taken: Iterable[Taken]) -> Watermark | None:
    """Where the source stands after this run; None where no row of any run had a value."""
    taken = list(taken)
    top, ties = None, set()
    if cursor.after is not None:
        top = comparable(cursor.after.value, parse_logical(cursor.after.type), logical)
        ties = set(cursor.after.ties)
    for found in taken:
        value = None if found.top is None else comparable(found.top, logical, logical)
        if value is None or (top is not None and value < top):
            continue
        if top is None or value > top:
            top, ties = value, set()
        ties |= found.ties
    text = canonical(top)
    if text is None:
        return cursor.after
    known = {digest for found in taken for digest in found.known}
    return Watermark(field=cursor.field, value=text, type=str(logical), ties=tuple(sorted(ties | known)))


def refuse_incomparable(cursor: Cursor, logical: LogicalType, *, agreed: bool, known: Iterable[str]) -> None:
    """Raise ConfigError where the cursor's column cannot order rows, or cannot be compared with the last mark."""
    hint = f"agree on the type of '{cursor.field}' in the contract; known columns: {', '.join(known)}"
    if logical.kind not in _PARSERS or (logical.kind in ("text", "identifier") and not agreed):
        raise ConfigError(f"incremental field '{cursor.field}' is {logical}, which has no safe order.", hint=hint)
    after = cursor.after
    if after is not None and comparable(after.value, parse_logical(after.type), logical) is None:
        raise ConfigError(
            f"incremental field '{cursor.field}' is {logical}, but the last run stopped at a {after.type}.",
            hint="agree on one type in the contract, or run once with force_run_all",
        )
    if after is None and cursor.start is not None and comparable(cursor.start, logical, logical) is None:
        raise ConfigError(f"incremental start '{cursor.start}' is no {logical}.", hint="write it as ISO 8601 does")


def _moment(value: date, *, zoned: bool) -> datetime | None:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if zoned:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment.tzinfo is None else None


def _positions(matches: pa.BooleanArray) -> list[int]:
    positions: list[int] = pc.indices_nonzero(pc.fill_null(matches, pa.scalar(False))).to_pylist()
    return positions


def _with(mask: pa.BooleanArray, positions: set[int]) -> pa.BooleanArray:
    if not positions:
        return mask
    return pa.array([old or at in positions for at, old in enumerate(mask.to_pylist())], pa.bool_())


def _count(mask: pa.BooleanArray) -> int:
    return int(pc.sum(mask).as_py() or 0)

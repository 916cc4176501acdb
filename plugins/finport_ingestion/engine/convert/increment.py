"""Taking only what is new: rows below the last mark, or at it and taken before, are left out; the mark moves on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.digest import canonical
from finport_ingestion.engine.errors import ConfigError, FormatError
from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.lookback import lowered
from finport_ingestion.engine.ordered import ORDERED, comparable
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.ties import BEYOND, WITHOUT, digests_of, listed, moved, spelled

_MOST_WITHOUT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The field whose value grows, and from where on rows are new."""

    field: str
    after: Watermark | None = None
    start: str | None = None  # where the first run begins; rows at it are taken
    lookback: int | str | None = None  # how far behind `after` rows may come late
    until: str | None = None  # of a backfill: the first value behind its window; no mark moves

    def to_plain(self) -> dict[str, Any]:
        after = self.after and {"value": self.after.value, "type": self.after.type, "ties": list(self.after.ties)}
        return {
            "field": self.field,
            "start": self.start,
            "after": after,
            "lookback": self.lookback,
            "until": self.until,
        }

    @staticmethod
    def from_plain(fields: Mapping[str, Any]) -> Cursor:
        after = fields["after"]
        mark = Watermark(field=fields["field"], **{**after, "ties": tuple(after["ties"])}) if after else None
        return Cursor(
            field=fields["field"], start=fields["start"], after=mark, lookback=fields["lookback"], until=fields["until"]
        )

    def lowered(self, value: Any) -> Any:
        """`value`, less the lookback."""
        return lowered(value, self.lookback, what=f"incremental field '{self.field}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an increment did to a part. Rows are named by their digests."""

    top: str | None = None  # the highest value, canonical
    near: Mapping[str, Counter[str]] = field(default_factory=dict)  # taken rows at the top or near it, by their value
    without: Counter[str] = field(default_factory=Counter)  # taken rows without a value
    again: Counter[str] = field(default_factory=Counter)  # left out: an earlier run dealt with them
    known: frozenset[str] = frozenset()  # ties of those of them that lie beyond the last mark
    already_taken: int = 0
    before_start: int = 0

    @property
    def without_value(self) -> int:
        return self.without.total()

    def to_plain(self) -> dict[str, Any]:
        return {
            "top": self.top,
            "near": {value: dict(sorted(rows.items())) for value, rows in sorted(self.near.items())},
            "without": dict(sorted(self.without.items())),
            "again": dict(sorted(self.again.items())),
            "known": sorted(self.known),
            "already_taken": self.already_taken,
            "before_start": self.before_start,
        }

    @staticmethod
    def from_plain(fields: Mapping[str, Any]) -> Taken:
        near = {value: Counter(rows) for value, rows in fields["near"].items()}
        counted = {name: Counter(fields[name]) for name in ("without", "again")}
        return Taken(**{**fields, **counted, "near": near, "known": frozenset(fields["known"])})


@dataclass(slots=True)
class Increment:
    """One pass over the rows of a part, behind a mark."""

    cursor: Cursor
    logical: LogicalType  # of the cursor's column, as it is written
    remembered: Counter[str] | None = None  # by digest, how often a row is still to be left out; the mark's by default
    top: Any = None
    near: dict[Any, Counter[str]] = field(default_factory=dict)
    without: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)
    already_taken: int = 0
    before_start: int = 0
    _left: Counter[str] = field(default_factory=Counter)
    _signs: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        ties = self.cursor.after.ties if self.cursor.after else ()
        self._left = digests_of(ties) if self.remembered is None else self.remembered.copy()
        self._signs = frozenset(tie[0] for tie in ties)

    def old(self, values: pa.Array, digest: Callable[[int], str]) -> pa.BooleanArray | None:
        """Which rows were taken before, or come before the start; None where none is known to be. The others count.

        Args:
            values: The cursor's column.
            digest: Gives the digest of row `n` of the batch.

        Raises:
            FormatError: So many rows have no value that they cannot be remembered.
        """
        drop: pa.BooleanArray | None = None
        mark = self._mark()
        if mark is not None and self.cursor.after is not None:
            floor = self.cursor.lowered(mark)
            drop = pc.fill_null(pc.less(values, pa.scalar(floor)), pa.scalar(False))
            drop = _with(drop, self._again(values, digest, floor=floor, mark=mark))
            self.already_taken += _count(drop)
        elif mark is not None:
            drop = self._outside(values, mark)
            self.before_start += _count(drop)
        self._remember_without(values, drop, digest)
        self._remember_near(values if drop is None else pc.if_else(drop, pa.scalar(None, values.type), values), digest)
        return drop

    def result(self) -> Taken:
        return Taken(
            top=canonical(self.top),
            near={str(canonical(value)): rows for value, rows in self.near.items()},
            without=self.without,
            again=self.again,
            known=frozenset(self.known),
            already_taken=self.already_taken,
            before_start=self.before_start,
        )

    def _outside(self, values: pa.Array, start: Any) -> pa.BooleanArray:
        """Rows before the start; of a backfill also those behind its window, and those of no place at all."""
        before = pc.less(values, pa.scalar(start))
        until = None if self.cursor.until is None else comparable(self.cursor.until, self.logical, self.logical)
        if until is None:
            return pc.fill_null(before, pa.scalar(False))
        return pc.fill_null(pc.or_kleene(before, pc.greater_equal(values, pa.scalar(until))), pa.scalar(True))

    def _mark(self) -> Any:
        after, start = self.cursor.after, self.cursor.start
        if after is not None:
            return comparable(after.value, parse_logical(after.type), self.logical)
        return None if start is None else comparable(start, self.logical, self.logical)

    def _again(self, values: pa.Array, digest: Callable[[int], str], *, floor: Any, mark: Any) -> set[int]:
        """Rows that an earlier run dealt with: as many as are remembered, in the order in which they come."""
        if not self._left:
            return set()
        low, high = pa.scalar(floor), pa.scalar(mark)
        again = self._counted_off(
            _positions(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))), digest
        )
        if WITHOUT in self._signs:
            again |= self._counted_off(_positions(pc.is_null(values)), digest)
        # Without any in quarantine, which is the rule, the rows beyond the mark need no digest.
        if BEYOND in self._signs:
            held = self._counted_off(_positions(pc.greater(values, high)), digest)
            self.known.update(BEYOND + digest(position) for position in held)
            again |= held
        return again

    def _counted_off(self, positions: Sequence[int], digest: Callable[[int], str]) -> set[int]:
        found: set[int] = set()
        for position in positions:
            text = digest(position)
            if self._left[text] > 0:
                self._left[text] -= 1
                self.again[text] += 1
                found.add(position)
        return found

    def _remember_without(self, values: pa.Array, drop: pa.BooleanArray | None, digest: Callable[[int], str]) -> None:
        if not values.null_count:
            return
        missing = pc.is_null(values)
        fresh = missing if drop is None else pc.and_not(missing, drop)
        self.without.update(digest(position) for position in _positions(fresh))
        if self.without.total() > _MOST_WITHOUT:
            raise FormatError(
                f"more than {_MOST_WITHOUT} rows have no value in the incremental field '{self.cursor.field}'; so many"
                " cannot be told from those that come again.",
                hint="choose a field that is always filled in, or take the source without 'incremental'",
            )

    def _remember_near(self, values: pa.Array, digest: Callable[[int], str]) -> None:
        top = pc.max(values).as_py()
        if top is None:
            return
        if self.top is None or top > self.top:
            self.top = top
            floor = self.cursor.lowered(top)
            self.near = {value: rows for value, rows in self.near.items() if value >= floor}
        floor = self.cursor.lowered(self.top)
        for position in _positions(pc.greater_equal(values, pa.scalar(floor))):
            self.near.setdefault(values[position].as_py(), Counter())[digest(position)] += 1


def next_watermark(cursor: Cursor, logical: LogicalType, taken: Iterable[Taken]) -> Watermark | None:
    """Where the source stands after this run; None where no row of any run had a value."""
    taken = list(taken)
    tops = [found.top for found in taken if found.top is not None]
    values = [value for text in tops if (value := comparable(text, logical, logical)) is not None]
    after = cursor.after
    before = None if after is None else comparable(after.value, parse_logical(after.type), logical)
    values += [before] if before is not None else []
    if not values:
        return after
    top = max(values)
    floor, mark = cursor.lowered(top), str(canonical(top))

    def is_near(text: str) -> bool:
        value = comparable(text, logical, logical)
        return value is not None and bool(value >= floor)

    ties = Counter[str]() if after is None else moved(after.ties, str(canonical(before)), mark, is_near=is_near)
    for found in taken:
        ties.update(f"{WITHOUT}{digest}" for digest in found.without.elements())
        for value, rows in found.near.items():
            if is_near(value):
                ties.update(spelled(digest, value, mark) for digest in rows.elements())
    ties.update({digest for found in taken for digest in found.known})
    return Watermark(field=cursor.field, value=mark, type=str(logical), ties=listed(ties))


def refuse_incomparable(cursor: Cursor, logical: LogicalType, *, agreed: bool, known: Iterable[str]) -> None:
    """Raise ConfigError where the cursor's column cannot order rows, or cannot be compared with the last mark."""
    hint = f"agree on the type of '{cursor.field}' in the contract; known columns: {', '.join(known)}"
    if logical.kind not in ORDERED or (logical.kind in ("text", "identifier") and not agreed):
        raise ConfigError(f"incremental field '{cursor.field}' is {logical}, which has no safe order.", hint=hint)
    after = cursor.after
    if after is not None and comparable(after.value, parse_logical(after.type), logical) is None:
        raise ConfigError(
            f"incremental field '{cursor.field}' is {logical}, but the last run stopped at a {after.type}.",
            hint="agree on one type in the contract, or run once with force_run_all",
        )
    for text in (cursor.start, cursor.until) if after is None else ():
        if text is not None and comparable(text, logical, logical) is None:
            raise ConfigError(f"incremental start '{text}' is no {logical}.", hint="write it as ISO 8601 does")


def _positions(matches: pa.BooleanArray) -> list[int]:
    positions: list[int] = pc.indices_nonzero(pc.fill_null(matches, pa.scalar(False))).to_pylist()
    return positions


def _with(mask: pa.BooleanArray, positions: set[int]) -> pa.BooleanArray:
    if not positions:
        return mask
    return pa.array([old or at in positions for at, old in enumerate(mask.to_pylist())], pa.bool_())


def _count(mask: pa.BooleanArray) -> int:
    return int(pc.sum(mask).as_py() or 0)

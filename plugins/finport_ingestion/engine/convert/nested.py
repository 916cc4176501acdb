"""The shape of nested values: what lists and objects hold at each path, gathered batch by batch, and their Arrow type.

A `Shape` of two halves merges to the shape of the whole, whatever the cut. Numbers are exact: integers, and decimals of
the largest scale seen. Where kinds differ at one path, or Arrow cannot hold the values, there is no type but a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType
from typing import Any

import pyarrow as pa

NULL, BOOLEAN, INTEGER, DECIMAL, FLOAT, TEXT = "null", "boolean", "integer", "decimal", "float", "text"
BINARY, MOMENT, LIST, STRUCT, CONFLICT = "binary", "moment", "list", "struct", "conflict"
_INT64_DIGITS = 18
_PRECISIONS = (18, 38, 76)
_MOST_MEMBERS = 1_000
_FLOAT_DIGITS = 15  # integers that a binary float holds, whatever they are
_TOO_LONG = 1_000  # digits: no decimal holds them


class Moment(int):
    """Nanoseconds since 1970 in UTC."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the values at one path are."""

    kind: str = NULL
    digits: int = 0  # most before the point; of a moment: 1 where some lies beyond what nanoseconds reach
    scale: int = 0  # most behind it; of a moment: 1 where some has nanoseconds
    item: Shape | None = None  # of a list
    members: tuple[tuple[str, Shape], ...] = ()  # of a struct, in order of first appearance
    between: tuple[str, ...] = ()  # the kinds of a conflict

    def __add__(self, other: Shape) -> Shape:
        if self.kind == NULL or other.kind == NULL:
            return other if self.kind == NULL else self
        kind = _joint(self.kind, other.kind)
        if kind == CONFLICT:
            return _conflict(self, other)
        if kind == LIST:
            return Shape(LIST, item=(self.item or Shape()) + (other.item or Shape()))
        if kind == STRUCT:
            return Shape(STRUCT, members=_merged(self.members, other.members))
        merged = Shape(kind, max(self.digits, other.digits), max(self.scale, other.scale))
        if kind == FLOAT and self.kind != other.kind and merged.digits > _FLOAT_DIGITS:
            return _conflict(self, other)
        return merged

    def to_plain(self) -> Any:
        if self.kind == LIST:
            return [LIST, (self.item or Shape()).to_plain()]
        if self.kind == STRUCT:
            return [STRUCT, [[name, shape.to_plain()] for name, shape in self.members]]
        return [self.kind, self.digits, self.scale, list(self.between)]

    @staticmethod
    def from_plain(fields: Any) -> Shape:
        if fields[0] == LIST:
            return Shape(LIST, item=Shape.from_plain(fields[1]))
        if fields[0] == STRUCT:
            return Shape(STRUCT, members=tuple((name, Shape.from_plain(found)) for name, found in fields[1]))
        return Shape(fields[0], fields[1], fields[2], between=tuple(fields[3]))


def look_nested(texts: pa.StringArray) -> Shape:
    """The shape of JSON texts; a text that is none makes it a conflict."""
    decode = _decoder()
    try:
        return shape_of(decode(text) for text in texts.to_pylist() if text is not None)
    except (ValueError, RecursionError, InvalidOperation):
        return Shape(CONFLICT, between=("values that are no JSON",))


def shape_of(values: Iterable[Any]) -> Shape:
    """The shape of Python values: of JSON with exact numbers, or of a binary format with its own types."""
    if isinstance(values, list):
        flat = _flat(values)
        if flat is not None:
            return flat
    gathered = _Gathered()
    for value in values:
        gathered.add(value)
    return gathered.shape()


def type_of(shape: Shape) -> tuple[pa.DataType | None, str]:
    """The Arrow type that holds every value; None, and why, where there is none. What was always null is text."""
    try:
        return _type(shape, ""), ""
    except _NoTypeError as error:
        return None, str(error)


def fits(shape: Shape, target: pa.DataType) -> bool:
    """Whether `target` holds all the values behind `shape` as they are."""
    kind = shape.kind
    if kind == NULL:
        return True
    if pa.types.is_list(target):
        return kind == LIST and fits(shape.item or Shape(), target.value_type)
    if pa.types.is_struct(target):
        fields = {found.name: found.type for found in target}
        return kind == STRUCT and all(name in fields and fits(found, fields[name]) for name, found in shape.members)
    if pa.types.is_decimal(target):
        within = shape.digits <= target.precision - target.scale and shape.scale <= target.scale
        return kind in (INTEGER, DECIMAL) and within
    needed, _ = type_of(shape)
    return bool(needed == target)


def cast_nested(texts: pa.StringArray, target: pa.DataType) -> pa.Array:
    """JSON texts, which `target` is proved to hold, as it; a member that is missing is null."""
    decode = _decoder()
    return pa.array([None if text is None else decode(text) for text in texts.to_pylist()], target)


def _flat(values: list[Any]) -> Shape | None:
    """The shape of values of one plain kind, without a look at each of them."""
    kinds = set(map(type, values)) - {NoneType}
    if len(kinds) != 1:
        return None if kinds else Shape()
    (kind,) = kinds
    if kind is int:
        bare = [value for value in values if value is not None]
        largest = max(bare)
        return Shape(INTEGER, len(str(max(largest, -min(bare)))))
    return Shape(_PLAIN_KINDS[kind]) if kind in _PLAIN_KINDS else None


@dataclass(slots=True)
class _Gathered:
    """A shape in the making; much faster than adding shapes value by value."""

    kinds: set[str] = field(default_factory=set)
    digits: int = 0
    scale: int = 0
    smallest: int = 0
    largest: int = 0
    beyond: bool = False
    nanoseconds: bool = False
    item: _Gathered | None = None
    members: dict[str, _Gathered] = field(default_factory=dict)

    def add(self, value: Any) -> None:
        kind = type(value)
        if kind is str:
            self.kinds.add(TEXT)
        elif kind is dict:
            self._add_members(value)
        elif kind is list:
            self.kinds.add(LIST)
            item = self.item = self.item or _Gathered()
            for found in value:
                item.add(found)
        elif kind is int:
            self.kinds.add(INTEGER)
            self.smallest, self.largest = min(self.smallest, value), max(self.largest, value)
        elif value is not None:
            self._add_rare(value)

    def _add_members(self, value: Mapping[str, Any]) -> None:
        self.kinds.add(STRUCT)
        for name, found in value.items():
            member = self.members.get(name)
            if member is None:
                member = self.members[name] = _Gathered()
            member.add(found)

    def _add_rare(self, value: Any) -> None:
        if isinstance(value, Decimal):
            self.kinds.add(DECIMAL)
            digits, scale = _size(value)
            self.digits, self.scale = max(self.digits, digits), max(self.scale, scale)
        elif isinstance(value, Moment):
            self.kinds.add(MOMENT)
            self.beyond = self.beyond or not -(2**63) <= value < 2**63
            self.nanoseconds = self.nanoseconds or value % 1000 != 0
        else:
            self.kinds.add(_PLAIN_KINDS[type(value)])

    def shape(self) -> Shape:
        return sum((self._shape(kind) for kind in sorted(self.kinds)), Shape())

    def _shape(self, kind: str) -> Shape:
        if kind == LIST:
            return Shape(LIST, item=self.item.shape() if self.item else Shape())
        if kind == STRUCT:
            return Shape(STRUCT, members=tuple((name, found.shape()) for name, found in self.members.items()))
        if kind == INTEGER:
            return Shape(INTEGER, len(str(max(self.largest, -self.smallest))))
        if kind == MOMENT:
            return Shape(MOMENT, int(self.beyond), int(self.nanoseconds))
        return Shape(kind, self.digits, self.scale) if kind == DECIMAL else Shape(kind)


class _NoTypeError(Exception):
    """Why values have no Arrow type; continues "column 'x' "."""


def _type(shape: Shape, path: str) -> pa.DataType:
    if shape.kind == LIST:
        return pa.list_(_type(shape.item or Shape(), f"{path}[]"))
    if shape.kind == STRUCT:
        return _struct(shape, path)
    if shape.kind == CONFLICT:
        raise _NoTypeError(f"mixes {' and '.join(shape.between)}{_at(path)}")
    if shape.kind in (INTEGER, DECIMAL) and (shape.kind == DECIMAL or shape.digits > _INT64_DIGITS):
        precision = next((size for size in _PRECISIONS if shape.digits + shape.scale <= size), None)
        if precision is None:
            raise _NoTypeError(f"has numbers of more than 76 digits{_at(path)}")
        return (pa.decimal256 if precision > _PRECISIONS[1] else pa.decimal128)(precision, shape.scale)
    if shape.kind == MOMENT:
        if shape.digits and shape.scale:
            raise _NoTypeError(f"has moments with nanoseconds beside far ones{_at(path)}")
        return pa.timestamp("ns" if shape.scale else "us", "UTC")
    return _simple()[shape.kind]


def _struct(shape: Shape, path: str) -> pa.DataType:
    if not shape.members:
        raise _NoTypeError(f"has objects without members{_at(path)}")
    if len(shape.members) > _MOST_MEMBERS:
        raise _NoTypeError(f"has objects with more than {_MOST_MEMBERS} different members{_at(path)}")
    return pa.struct([pa.field(name, _type(found, f"{path}.{name}")) for name, found in shape.members])


def _at(path: str) -> str:
    return f" at '{path.removeprefix('.')}'" if path else ""


@cache
def _simple() -> dict[str, pa.DataType]:
    return {
        NULL: pa.string(),
        BOOLEAN: pa.bool_(),
        INTEGER: pa.int64(),
        FLOAT: pa.float64(),
        TEXT: pa.string(),
        BINARY: pa.binary(),
    }


def _joint(one: str, other: str) -> str:
    if one == other:
        return one
    both = {one, other}
    if both == {INTEGER, DECIMAL}:
        return DECIMAL
    return FLOAT if both == {INTEGER, FLOAT} else CONFLICT


def _conflict(one: Shape, other: Shape) -> Shape:
    kinds = {kind for shape in (one, other) for kind in (shape.between or (_SPOKEN[shape.kind],))}
    return Shape(CONFLICT, between=tuple(sorted(kinds)))


def _merged(one: tuple[tuple[str, Shape], ...], other: tuple[tuple[str, Shape], ...]) -> tuple[tuple[str, Shape], ...]:
    found = dict(one)
    for name, shape in other:
        found[name] = found[name] + shape if name in found else shape
    return tuple(found.items())


def _size(value: Decimal) -> tuple[int, int]:
    """Digits before and behind the point, as the number is written; without its zeros in front."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return _TOO_LONG, 0
    scale = max(-exponent, 0)
    before = max(len(digits) + exponent, 0) if any(digits) else 0
    return min(max(before, 1), _TOO_LONG), min(scale, _TOO_LONG)


@cache
def _decoder() -> Any:
    """Exact numbers: integers of any size, and decimals by their token."""
    import msgspec

    return msgspec.json.Decoder(float_hook=Decimal).decode


_PLAIN_KINDS = {bool: BOOLEAN, float: FLOAT, bytes: BINARY, str: TEXT}
_SPOKEN = {
    BOOLEAN: "booleans",
    INTEGER: "numbers",
    DECIMAL: "numbers",
    FLOAT: "numbers",
    TEXT: "text",
    BINARY: "bytes",
    MOMENT: "moments",
    LIST: "lists",
    STRUCT: "objects",
}

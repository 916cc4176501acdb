"""Nested types of several files as one, and values cast to it, member by member."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Unify = Callable[[pa.DataType, pa.DataType], pa.DataType]
Cast = Callable[[pa.Array, pa.DataType], pa.Array]
_kinds = pa.types


def unify_nested(one: pa.DataType, other: pa.DataType, unify: Unify) -> pa.DataType | None:
    """The nested type that holds both; None where they are not of one kind.

    Args:
        unify: Of two types in it.
    """
    if _kinds.is_list(one) and _kinds.is_list(other):
        return pa.list_(_field(one.value_field, other.value_field, unify))
    if _kinds.is_map(one) and _kinds.is_map(other):
        return pa.map_(unify(one.key_type, other.key_type), unify(one.item_type, other.item_type))
    if _kinds.is_struct(one) and _kinds.is_struct(other):
        return _unify_structs(one, other, unify)
    return None


def cast_nested(values: pa.Array, target: pa.DataType, cast: Cast) -> pa.Array:
    """`values` as a type that `unify_nested` made of theirs.

    Args:
        cast: Of the values inside, nested ones too.
    """
    mask = values.is_null() if values.null_count else None
    if _kinds.is_struct(target):
        return _cast_struct(values, target, cast, mask)
    if _kinds.is_map(target):
        first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
        keys = cast(values.keys.slice(first, last - first), target.key_type)
        items = cast(values.items.slice(first, last - first), target.item_type)
        return pa.MapArray.from_arrays(own_offsets(values), keys, items, type=target, mask=mask)
    items = cast(values.flatten(), target.value_type)
    return pa.ListArray.from_arrays(offsets_by_length(values), items, type=target, mask=mask)


def own_offsets(values: pa.MapArray) -> pa.Array:
    """Offsets from 0 in a buffer of their own, since an array with a mask takes no slice."""
    offsets = np.array(values.offsets)
    return pa.array(offsets - offsets[0], pa.int32())


def offsets_by_length(values: pa.Array) -> pa.Array:
    """The same for a list of any kind, by its lengths: views have their items in any order."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64()))
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())


def _unify_structs(one: pa.StructType, other: pa.StructType, unify: Unify) -> pa.DataType:
    theirs = {field.name: field for field in other}
    fields = [_field(field, theirs.pop(field.name), unify) if field.name in theirs else _maybe(field) for field in one]
    return pa.struct([*fields, *map(_maybe, theirs.values())])


def _field(one: pa.Field, other: pa.Field, unify: Unify) -> pa.Field:
    return pa.field(one.name, unify(one.type, other.type), one.nullable or other.nullable)


def _maybe(field: pa.Field) -> pa.Field:
    return field.with_nullable(True)


def _cast_struct(values: pa.StructArray, target: pa.StructType, cast: Cast, mask: pa.Array | None) -> pa.Array:
    members = []
    for field in target:
        at = values.type.get_field_index(field.name)
        members.append(cast(values.field(at), field.type) if at >= 0 else pa.nulls(len(values), field.type))
    return pa.StructArray.from_arrays(members, fields=list(target), mask=mask)
